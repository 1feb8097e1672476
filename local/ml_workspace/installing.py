"""The package index and proxy settings of this machine, for what installs packages here: uv, and pip in a job.

pip and uv are set up apart from each other. Job environments are built by uv, yet most machines behind a mirror or a
proxy have only pip set up. And a job has a HOME of its own and few variables of the shell that it was submitted from.
"""

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

Variables = dict[str, str]

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# What says where packages come from and how they are reached; not what would change where or how they are installed.
PASSED = (
    *PROXIES, *map(str.lower, PROXIES),
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC",
    "PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST",
    "PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES",
    "PIP_KEYRING_PROVIDER",
    "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
    "UV_INDEX_STRATEGY", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS",
    "UV_HTTP_TIMEOUT", "UV_OFFLINE",
)  # fmt: skip
SYSTEM = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf")]
SYSTEM_OF_UV = [Path("/etc/xdg/uv/uv.toml"), Path("/etc/uv/uv.toml")]
LOOPBACK = "127.0.0.1,localhost"
OWN_OF_UV = ("UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
# pip's setting -> uv's variable, and what stands between several values there.
OF_PIP = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "client-cert": ("SSL_CLIENT_CERT", " "),
    "proxy": ("ALL_PROXY", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "keyring-provider": ("UV_KEYRING_PROVIDER", " "),
}


def for_jobs(shell: Mapping[str, str], home: Path) -> Variables:
    """The variables by which pip, uv and others in a job reach what they reach in the shell that submits it.

    Args:
        shell: the environment variables there.
        home: the person's home folder, whose files a job does not see by itself.
    """
    variables = {name: shell[name] for name in PASSED if shell.get(name)}
    variables |= {name: value for name, value in shell.items() if name.startswith("UV_INDEX_") and value}
    of_user = [file for file in _user_files(shell, home) if file.is_file()]
    if of_user:
        variables.setdefault("PIP_CONFIG_FILE", str(of_user[-1]))
    of_uv = _config_home(shell, home) / "uv" / "uv.toml"
    if of_uv.is_file():
        variables.setdefault("UV_CONFIG_FILE", str(of_uv))
    if any(name.upper() in PROXIES for name in variables):
        # The MLflow server is on this machine, and no proxy reaches it.
        kept = variables.get("no_proxy") or variables.get("NO_PROXY")
        variables["NO_PROXY"] = variables["no_proxy"] = f"{kept},{LOOPBACK}" if kept else LOOPBACK
    return variables


def for_uv(shell: Mapping[str, str], home: Path) -> tuple[Variables, list[str]]:
    """(variables, options) by which `uv pip install` installs from where pip would.

    Both are empty where uv has settings of its own: these count.

    Args:
        shell, home: see `for_jobs`.
    """
    own = [*SYSTEM_OF_UV, _config_home(shell, home) / "uv/uv.toml"]
    if any(shell.get(name) for name in OWN_OF_UV) or any(file.is_file() for file in own):
        return {}, []
    settings = _of_pip(shell, home)
    # A folder that is not there: pip passes over it, uv stops.
    links = [link for link in settings.get("find-links", "").split() if "://" in link or Path(link).exists()]
    settings["find-links"] = " ".join(links)
    variables = {
        name: between.join(settings[key].split())
        for key, (name, between) in OF_PIP.items()
        if settings.get(key) and not shell.get(name)
    }
    if "UV_INDEX" in variables:
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip does: the best version of all indexes
    no_index = settings.get("no-index", "").lower() in ("1", "true", "yes", "on")
    return variables, ["--no-index"] if no_index else []


def _of_pip(shell: Mapping[str, str], home: Path) -> dict[str, str]:
    """pip's settings by name, from its files and variables; what comes later counts more, as it does to pip."""
    files = [*SYSTEM, *_user_files(shell, home)]
    chosen = shell.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        files = []
    elif chosen:
        files.append(Path(chosen))
    parser = configparser.RawConfigParser(strict=False)
    parser.read(files, encoding="utf-8")
    settings: dict[str, str] = {}
    for section in ("global", "install"):
        settings |= dict(parser[section]) if parser.has_section(section) else {}
    settings |= {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in shell.items()
        if name.startswith("PIP_")
    }
    return {"timeout": settings.get("default-timeout", ""), **settings}


def _user_files(shell: Mapping[str, str], home: Path) -> list[Path]:
    """Where pip looks for the person's settings; the last one counts most."""
    files = [home / ".pip/pip.conf", _config_home(shell, home) / "pip/pip.conf"]
    application = home / "Library/Application Support/pip"
    if sys.platform == "darwin" and application.is_dir():
        files[-1] = application / "pip.conf"
    return files


def _config_home(shell: Mapping[str, str], home: Path) -> Path:
    return Path(shell.get("XDG_CONFIG_HOME") or home / ".config")
