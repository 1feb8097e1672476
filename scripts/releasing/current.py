"""The release that an environment of the registry deploys from, checked against registry and commit."""

from pathlib import Path
from typing import Any

from scripts.releasing.commit import clean_commit
from scripts.releasing.errors import ReleaseError
from scripts.releasing.registry import Registry
from scripts.releasing.release import Release, path_of, read_release
from scripts.specs.ids import registry_of


def tag_of(env: str) -> str:
    """Tag of the registry's model with the digest of its release to an environment."""
    return f"release_{env}"


def current_release(root: Path, config: dict[str, Any], version: str = "") -> Release:
    """The release of an environment whose assets come from the registry.

    Args:
        config: of the environment.
        version: of the model that is asked for; "" is that of the release.

    Raises:
        AzError: the registry could not be asked.
        ReleaseError: there is none, it is of another version, commit or registry, or is not the one that
            `make promote` wrote last for this version.
    """
    env, path, registry = config["env"], path_of(config["env"]), registry_of(config)
    release = read_release(env)
    if release is None or registry is None:
        raise ReleaseError(
            f"{path} is missing: ENV={env} deploys what was promoted to it; "
            f"make promote FROM={config['promote']['from']} TO={env} MODEL_VERSION={version or '…'}, "
            f"or take the file of the pipeline's artifact `release-{env}`"
        )
    of_release = (release.document["to"], release.document["registry"], release.model)
    if of_release != (env, registry, config["model"]):
        said = " ".join(of_release)
        raise ReleaseError(f"{path} is a release of {said}, and config/ says {env} {registry} {config['model']}")
    if version and version != release.version:
        raise ReleaseError(f"MODEL_VERSION={version}, but {path} releases {release.version}; promote {version} first")
    commit = clean_commit(root)
    if commit != release.commit:
        raise ReleaseError(
            f"{path} was made at commit {release.commit}, and this is {commit}; check that one out, or promote again"
        )
    tags = Registry(registry, config).tags("model", release.model, release.version)
    refuse_other_digest(release, (tags or {}).get(tag_of(env)), str(path))
    return release


def refuse_other_digest(release: Release, digest: str | None, path: str) -> None:
    """Refuses a file that `make promote` has not written, or not as the last one for this version."""
    if digest != release.digest:
        raise ReleaseError(
            f"{path} is not the release of {release.model}:{release.version} that the registry knows "
            f"(tag {tag_of(release.document['to'])}): it was edited, or promoted again since; promote again"
        )
