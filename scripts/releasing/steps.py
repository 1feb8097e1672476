"""What a promotion does to the registry: first all that can refuse, then the shares, the model last."""

from collections.abc import Sequence
from functools import cached_property

from scripts.az import AzError
from scripts.looking.workspace import Workspace
from scripts.releasing.errors import ReleaseError
from scripts.releasing.lineage import Lineage
from scripts.releasing.registry import UUID, Registry, found
from scripts.specs.build import write_build
from scripts.specs.project import Project, Spec


class Steps:
    """The steps of one promotion.

    Args:
        registry: that gets the assets.
        project: specs of the environment that is promoted to.
        source: workspace of the environment in front.
        trained: whether it has trained the model; else its assets are the registry's.
        lineage: of the model.
        model: name and version.
    """

    def __init__(
        self,
        registry: Registry,
        project: Project,
        source: Workspace,
        trained: bool,
        lineage: Lineage,
        model: tuple[str, str],
    ) -> None:
        self._registry, self._project, self._source, self._trained = registry, project, source, trained
        self._lineage, self._model = lineage, model
        reference = f"{model[0]}-reference"
        self._reference = (reference, lineage.data[reference])

    @cached_property
    def _has_model(self) -> bool:
        held = self._registry.model_uuid(*self._model)
        self._refuse_other(self._model, held)
        return held is not None

    @cached_property
    def _reference_tags(self) -> dict[str, str] | None:
        return self._registry.tags("data", *self._reference)

    @cached_property
    def _has_reference(self) -> bool:
        """One without the tag was shared by a promotion that was interrupted, or by others: sharing it again tells."""
        held = (self._reference_tags or {}).get(UUID)
        self._refuse_other(self._reference, held)
        return held is not None

    def refuse(self, missing: Sequence[Spec], env: str) -> None:
        """Refuses what could only be promoted in part.

        Args:
            missing: assets that the registry lacks.
            env: the environment in front.

        Raises:
            ReleaseError: the registry has a version with other content, or lacks a model that the environment in front
                has from it, or the workspace in front lacks an environment.
        """
        lacks = [] if self._has_model else [":".join(self._model)]
        lacks += [] if self._has_reference else [":".join(self._reference)]
        if lacks and not self._trained:
            raise ReleaseError(
                f"registry {self._registry.name} has no {' and no '.join(lacks)}, which {env} deploys from; "
                f"somebody has archived or replaced it: promote to {env} again"
            )
        for spec in missing:
            asset = (spec.kind.group, spec.name, str(spec.version))
            if self._shares(spec) and not found(*asset, self._source.flags):
                raise ReleaseError(
                    f"{env} has no {spec.workspace_id}, which these specs name; make apply ENV={env}, then promote"
                )

    def fill(self, missing: Sequence[Spec]) -> None:
        """Puts what the registry lacks into it; safe to repeat.

        Args:
            missing: assets, each after what it refers to.
        """
        for spec in missing:
            if self._shares(spec):
                self._registry.share("environment", spec.name, str(spec.version), self._source.flags)
            else:
                folder = write_build(self._project, [spec.key]).relative_to(self._project.root)
                self._registry.create(spec, f"{folder}/{spec.path}")
        if not self._has_reference:
            self._share_reference()
        if not self._has_model:
            self._registry.share("model", *self._model, self._source.flags)

    def _share_reference(self) -> None:
        mark = {UUID: self._lineage.model_uuid}
        try:
            self._registry.share("data", *self._reference, self._source.flags)
        except AzError as error:
            if self._reference_tags is None:
                raise
            raise ReleaseError(
                f"registry {self._registry.name} has {':'.join(self._reference)} without the tag {UUID}: it is "
                "another's, or a promotion was interrupted right after it had shared it. Only if it is that one: "
                f"az {' '.join(self._registry.tag_line('data', *self._reference, mark))}; then promote again\n{error}"
            ) from error
        self._registry.tag("data", *self._reference, mark)

    def _shares(self, spec: Spec) -> bool:
        """Whether an asset is copied from the workspace in front, not created from its spec.

        There is no `az ml component share`, and contracts, which are data, go the same way. Nothing can be shared by an
        environment that has its assets from the registry: what is missing then has other config values behind it.
        """
        return spec.kind.name == "environment" and self._trained

    def _refuse_other(self, asset: tuple[str, str], held: str | None) -> None:
        if held not in (None, self._lineage.model_uuid):
            raise ReleaseError(
                f"registry {self._registry.name} has {':'.join(asset)} with other content: of model {held}, not "
                f"{self._lineage.model_uuid}. Versions of a registry are immutable; train again for the next version"
            )
