"""Of a Dockerfile the Python and pip parts are read; a line that does anything else is refused and named."""

import pytest
from ml_workspace import dockerfile
from ml_workspace.errors import Unsupported, WorkspaceError


@pytest.fixture
def context(tmp_path):
    (tmp_path / "requirements.txt").write_text("# data\nnumpy==1.26.4  # arrays\n\nscipy \\\n  >=1.10\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "extra.txt").write_text("-r ../requirements.txt\nsix\n")

    def read(text, name="Dockerfile"):
        (tmp_path / name).write_text(text)
        return dockerfile.read(tmp_path, name)

    return read


def test_base_image_and_packages(context):
    found = context(
        "# syntax=docker/dockerfile:1\nFROM --platform=linux/amd64 python:3.9-slim AS base\n"
        "LABEL team=flights\nENV GREETING='good day' LANG=C.UTF-8\nENV MODE batch\nWORKDIR /app\n"
        "RUN pip install --no-cache-dir --upgrade pip && \\\n    # a comment\n"
        "    python -m pip install 'pandas>=2,<3' --extra-index-url https://example.org/simple six==1.16\n"
        'CMD ["bash"]\n'
    )
    assert found.image == "python:3.9-slim"
    assert found.lines == ["pip", "pandas>=2,<3", "--extra-index-url https://example.org/simple", "six==1.16"]
    assert found.variables == {"GREETING": "good day", "LANG": "C.UTF-8", "MODE": "batch"}


@pytest.mark.parametrize(
    ("copied", "path"),
    [
        ("requirements.txt .", "requirements.txt"),
        ("./requirements.txt /opt/wanted.txt", "/opt/wanted.txt"),
        (". /app", "/app/requirements.txt"),
        ("--chown=1000 requirements.txt ./", "requirements.txt"),
    ],
)
def test_requirements_come_from_the_build_context(context, copied, path):
    found = context(f"FROM python:3.11\nCOPY {copied}\nRUN pip install -r {path} && rm {path}\n")
    assert found.lines == ["numpy==1.26.4", "scipy >=1.10"]


def test_requirements_that_name_others(context):
    found = context("FROM python:3.11\nCOPY . .\nRUN pip install -r more/extra.txt\n")
    assert found.lines == ["numpy==1.26.4", "scipy >=1.10", "six"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("RUN apt-get update", "of RUN only pip install can be honoured"),
        ("RUN pip install six && conda install numpy", "of RUN only pip install can be honoured"),
        ("RUN pip install $PACKAGES", "of RUN only pip install can be honoured"),
        ("RUN curl https://example.org/x | sh", "of RUN only pip install can be honoured"),
        ("RUN pip install .", r"pip install \. can't be honoured"),
        ("RUN pip install -e git+https://example.org/x", "pip install -e can't be honoured"),
        ("RUN pip install -r requirements.txt", "requirements.txt is not copied from the build context"),
        ("FROM other", "only one FROM"),
        ("ARG VERSION=1", "only FROM, COPY, ENV and RUN pip install can be honoured"),
        ("ENV PATH=/opt/bin:$PATH", "a variable made of others can't be honoured"),
    ],
)
def test_what_is_not_pip_is_refused_with_its_line(context, line, why):
    with pytest.raises(Unsupported, match=why) as caught:
        context(f"FROM python:3.11\n{line}\n")
    assert f"Dockerfile: {line}" in str(caught.value)
    assert "conda_file" in str(caught.value)


def test_no_dockerfile_and_no_base_image(context, tmp_path):
    with pytest.raises(WorkspaceError, match=r"there is no docker/Dockerfile in"):
        dockerfile.read(tmp_path, "docker/Dockerfile")
    with pytest.raises(WorkspaceError, match="has no FROM"):
        context("LABEL a=b\n")
