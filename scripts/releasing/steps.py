"""What a promotion does to the registry: first all that can refuse, then the shares, the model last."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from scripts.releasing.errors import ReleaseError
from scripts.releasing.lineage import Lineage
from scripts.releasing.registry import UUID, Registry, found
from scripts.specs.build import write_build
from scripts.specs.ids import registry_of
from scripts.specs.project import Project, Spec


class Steps:
    """The steps of one promotion.

    Args:
        registry: that gets the assets.
        project: specs of the environment that is promoted to.
        source: flags that name the workspace of the environment in front.
        lineage: of the model.
        model: name and version.
    """

    def __init__(
        self, registry: Registry, project: Project, source: Sequence[str], lineage: Lineage, model: tuple[str, str]
    ) -> None:
        self._registry, self._project, self._source, self._lineage = registry, project, list(source), lineage
        self._model = model
        reference = f"{model[0]}-reference"
        self._reference = (reference, lineage.data[reference])

    @cached_property
    def _has_model(self) -> bool:
        held = self._registry.model_uuid(*self._model)
        self._refuse_other(self._model, held)
        return held is not None

    @cached_property
    def _has_reference(self) -> bool:
        """One without the tag was shared by a promotion that was interrupted, or by others: sharing it again tells."""
        tags = self._registry.tags("data", *self._reference) or {}
        self._refuse_other(self._reference, tags.get(UUID))
        return UUID in tags

    def refuse(self, missing: Sequence[Spec], source: dict[str, Any]) -> None:
        """Refuses what could only be promoted in part.

        Args:
            missing: assets that the registry lacks.
            source: config of the environment in front.

        Raises:
            ReleaseError: the registry has a version with other content, or lacks what only the environment in front
                of the one in front could give, or the workspace in front lacks an environment.
        """
        env = source["env"]
        lacks = [spec.workspace_id for spec in missing]
        lacks += [] if self._has_model else [f"azureml:{':'.join(self._model)}"]
        lacks += [] if self._has_reference else [f"azureml:{':'.join(self._reference)}"]
        if lacks and registry_of(source):
            raise ReleaseError(
                f"registry {self._registry.name} has no {', '.join(lacks)}, so {env} can't have proven it; "
                f"promote to {env} at this commit first"
            )
        for spec in missing:
            asset = (spec.kind.group, spec.name, str(spec.version))
            if spec.kind.name == "environment" and not found(*asset, self._source):
                raise ReleaseError(
                    f"{env} has no {spec.workspace_id}, which these specs name; make apply ENV={env}, then promote"
                )

    def fill(self, missing: Sequence[Spec]) -> None:
        """Puts what the registry lacks into it; safe to repeat.

        Args:
            missing: assets, each after what it refers to.
        """
        for spec in missing:
            if spec.kind.name == "environment":
                self._registry.share("environment", spec.name, str(spec.version), self._source)
            else:  # there is no `az ml component share`; contracts, which are data, go the same way
                folder = write_build(self._project, [spec.key]).relative_to(self._project.root)
                self._registry.create(spec, f"{folder}/{spec.path}")
        if not self._has_reference:
            self._registry.share("data", *self._reference, self._source)
            self._registry.tag("data", *self._reference, {UUID: self._lineage.model_uuid})
        if not self._has_model:
            self._registry.share("model", *self._model, self._source)

    def _refuse_other(self, asset: tuple[str, str], held: str | None) -> None:
        if held not in (None, self._lineage.model_uuid):
            raise ReleaseError(
                f"registry {self._registry.name} has {':'.join(asset)} with other content: of model {held}, not "
                f"{self._lineage.model_uuid}. Versions of a registry are immutable; train again for the next version"
            )
