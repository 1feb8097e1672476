"""What pip, uv and others in a job or a build are told of this machine's package indexes and proxies."""

import pytest
from ml_workspace import installing


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder; this machine's own settings are out of the way."""
    monkeypatch.setattr(installing, "SYSTEM", [])
    monkeypatch.setattr(installing, "SYSTEM_OF_UV", [])
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_index_and_proxy_variables_reach_a_job_and_others_do_not(home):
    reaching = {
        "PIP_INDEX_URL": "https://mirror.example.org/simple",
        "UV_INDEX_MIRROR_PASSWORD": "p",
        "REQUESTS_CA_BUNDLE": "/ca.pem",
    }
    others = {"AWS_SECRET_ACCESS_KEY": "s", "PIP_TARGET": "/elsewhere", "PIP_CACHE_DIR": "/cache", "UV_CACHE_DIR": "/c"}
    assert installing.for_jobs({**reaching, **others}, home) == reaching


def test_with_a_proxy_a_job_still_reaches_the_server_on_this_machine(home):
    told = installing.for_jobs({"https_proxy": "http://proxy:3128", "NO_PROXY": ".example.org"}, home)
    assert told["https_proxy"] == "http://proxy:3128"
    assert told["NO_PROXY"] == told["no_proxy"] == ".example.org,127.0.0.1,localhost"
    assert installing.for_jobs({"HTTP_PROXY": "http://proxy:3128"}, home)["no_proxy"] == "127.0.0.1,localhost"


def test_the_persons_files_reach_a_job_although_its_home_is_another(home):
    old = write(home / ".pip/pip.conf", "[global]\n")
    assert installing.for_jobs({}, home) == {"PIP_CONFIG_FILE": str(old)}
    new = write(home / ".config/pip/pip.conf", "[global]\n")
    uv = write(home / ".config/uv/uv.toml", "")
    assert installing.for_jobs({}, home) == {"PIP_CONFIG_FILE": str(new), "UV_CONFIG_FILE": str(uv)}
    assert installing.for_jobs({"PIP_CONFIG_FILE": "/own.conf"}, home)["PIP_CONFIG_FILE"] == "/own.conf"
    elsewhere = write(home / "elsewhere/pip/pip.conf", "[global]\n")
    shell = {"XDG_CONFIG_HOME": str(home / "elsewhere")}
    assert installing.for_jobs(shell, home)["PIP_CONFIG_FILE"] == str(elsewhere)


def test_builds_take_packages_from_where_pip_would(home):
    write(
        home / ".config/pip/pip.conf",
        "[global]\nindex-url = https://a.example.org/simple\ntimeout = 60\n"
        "extra-index-url =\n    https://b.example.org/simple\n    https://c.example.org/%(x)s\n"
        f"[install]\nfind-links = {home}/wheels {home}/absent {home}/more\ntrusted-host = a.example.org\n",
    )
    wheels, more = home / "wheels", home / "more"
    wheels.mkdir()
    more.mkdir()
    variables, options = installing.for_uv({"PIP_INDEX_URL": "https://d.example.org/simple"}, home)
    assert options == []
    assert variables == {
        "UV_DEFAULT_INDEX": "https://d.example.org/simple",
        "UV_INDEX": "https://b.example.org/simple https://c.example.org/%(x)s",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{wheels},{more}",
        "UV_INSECURE_HOST": "a.example.org",
        "UV_HTTP_TIMEOUT": "60",
    }
    assert installing.for_uv({"PIP_CONFIG_FILE": "/dev/null"}, home) == ({}, [])
    assert installing.for_uv({"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1"}, home) == ({}, ["--no-index"])
    assert installing.for_uv({"PIP_PROXY": "http://p:1", "ALL_PROXY": "http://q:1"}, home)[0].get("ALL_PROXY") is None


def test_settings_that_uv_has_of_its_own_count(home):
    write(home / ".config/pip/pip.conf", "[global]\nindex-url = https://a.example.org/simple\n")
    assert installing.for_uv({}, home)[0] == {"UV_DEFAULT_INDEX": "https://a.example.org/simple"}
    assert installing.for_uv({"UV_INDEX": "https://b.example.org/simple"}, home) == ({}, [])
    write(home / ".config/uv/uv.toml", "")
    assert installing.for_uv({}, home) == ({}, [])


def test_without_any_settings_nothing_is_said(home):
    assert installing.for_jobs({"PATH": "/bin"}, home) == {}
    assert installing.for_uv({"PATH": "/bin"}, home) == ({}, [])
