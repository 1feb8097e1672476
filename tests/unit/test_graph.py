"""`make graph`: every spec is drawn, arrows are the references, and the same specs give the same bytes."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from scripts.graph import main, parse_args
from scripts.specs.graph.layout import Box, layout, ranks, rows_of
from scripts.specs.graph.model import Graph, graph_of
from scripts.specs.graph.svg import svg
from scripts.specs.project import Project
from tests.specs_repository import copied, replace

SVG = "{http://www.w3.org/2000/svg}"
PREP = "pipelines/train#prep"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copied(tmp_path)


@pytest.fixture
def project(root: Path) -> Project:
    return Project(root, "local")


def drawn(graph: Graph) -> ElementTree.Element:
    return ElementTree.fromstring(svg(graph, layout(graph)))


def arrows(picture: ElementTree.Element) -> set[tuple[str, str]]:
    paths = [path for path in picture.iter(f"{SVG}path") if path.get("data-from")]
    return {(str(path.get("data-from")), str(path.get("data-to"))) for path in paths}


def test_every_spec_and_every_job_is_drawn_with_its_name(project: Project) -> None:
    groups = {group.get("id"): "".join(group.itertext()) for group in drawn(graph_of(project)).iter(f"{SVG}g")}

    for key, spec in project.specs.items():
        name = (
            key.rsplit("/", 1)[-1]
            if spec.kind.name == "job"
            else key.split("/")[2]
            if "point" in spec.kind.name
            else spec.name
        )
        assert name in groups[key]
    for job in project.specs["pipelines/train"].document["jobs"]:
        assert job in groups[f"pipelines/train#{job}"]


def test_every_reference_is_an_arrow_and_every_arrow_a_reference_or_data(project: Project) -> None:
    found = arrows(drawn(graph_of(project)))

    plain = {(source.split("#")[0], target.split("#")[0]) for source, target in found}
    for key, spec in project.specs.items():
        for ref in spec.refs:
            assert (key, ref) in plain or (ref, key) in plain, f"{key} refers to {ref}"
    specs = project.specs.keys()
    for source, target in plain:
        known = (
            source in specs
            and target in specs
            and (target in project.specs[source].refs or source in project.specs[target].refs)
        )
        foreign = {"data:weather", "model:flights", "data:score-inputs"} & {source, target}
        watched = target == "monitors/drift" and source.startswith("endpoints/online/")
        assert known or source == target or foreign or watched, (source, target)


def test_data_flows_through_the_jobs(project: Project) -> None:
    found = arrows(drawn(graph_of(project)))
    assert {("data/flights", PREP), ("data:weather", PREP), (PREP, "pipelines/train#train")} <= found
    assert ("pipelines/train#report", "pipelines/train#foreign") in found
    assert (PREP, "components/prep") in found


def test_a_monitor_is_led_to_by_what_it_watches_and_compares_with(project: Project) -> None:
    found = arrows(drawn(graph_of(project)))
    assert {source for source, target in found if target == "monitors/drift"} == {
        "endpoints/online/score/deployment",
        "data:score-inputs",
        "data/flights",
    }


def test_a_registered_model_leads_to_its_deployments(project: Project) -> None:
    found = arrows(drawn(graph_of(project)))
    assert {target for source, target in found if source == "model:flights"} == {
        "endpoints/online/score/deployment",
        "endpoints/online/score/green",
        "endpoints/batch/score/deployment",
    }


def test_data_that_a_job_registers_leads_to_the_jobs_that_read_it(root: Path) -> None:
    replace(root, "pipelines/train.yml.j2", "azureml:weather@latest", "azureml:pages@latest")
    replace(root, "pipelines/train.yml.j2", "{type: uri_file, mode: upload}", "{type: uri_file, name: pages}")
    found = arrows(drawn(graph_of(Project(root, "local"))))
    assert {("pipelines/train#report", "data:pages"), ("data:pages", PREP)} <= found


def test_a_binding_to_no_job_is_left_to_check_and_not_drawn(root: Path) -> None:
    replace(root, "pipelines/train.yml.j2", "jobs.report.outputs", "jobs.reprot.outputs")
    assert ("pipelines/train#report", "pipelines/train#foreign") not in arrows(drawn(graph_of(Project(root, "local"))))


def test_landing_folders_are_data_too(root: Path) -> None:
    path = "azureml://datastores/workspaceblobstore/paths/landing/weather/"
    replace(root, "pipelines/train.yml.j2", "azureml:weather@latest", path)
    graph = graph_of(Project(root, "local"))
    assert graph.nodes[f"data:{path}"].label == "landing/weather"
    assert (f"data:{path}", PREP) in arrows(drawn(graph))


def test_columns_go_from_data_to_environments_and_rows_follow_the_data(project: Project) -> None:
    graph = graph_of(project)
    boxes = layout(graph).boxes
    order = ["data/flights", "pipelines/train", "components/train_and_judge", "components/train", "environments/base"]
    assert sorted(order, key=lambda key: boxes[key].x) == order
    rows = rows_of(graph, "pipelines/train")
    assert rows.index(PREP) < rows.index("pipelines/train#train") < rows.index("pipelines/train#report")


def test_no_boxes_overlap_and_all_lie_in_the_picture(project: Project) -> None:
    graph = graph_of(project)
    placed = layout(graph)
    outer = [box for key, box in placed.boxes.items() if key not in graph.nodes or graph.nodes[key].panel is None]
    for index, box in enumerate(outer):
        assert box.x >= 0 and box.y >= 0 and box.right <= placed.width and box.y + box.height <= placed.height
        assert not [other for other in outer[index + 1 :] if overlap(box, other)]


def overlap(one: Box, other: Box) -> bool:
    across = one.x < other.right and other.x < one.right
    return across and one.y < other.y + other.height and other.y < one.y + one.height


def test_labels_fit_their_boxes(project: Project) -> None:
    graph = graph_of(project)
    for key, node in graph.nodes.items():
        assert len(node.label) * 7 < layout(graph).boxes[key].width, node.label


def test_ranks_are_longest_paths_and_a_circle_has_none() -> None:
    assert ranks("abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")]) == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert ranks("ab", [("a", "b"), ("b", "a")]) == {"a": 0, "b": 0}


def test_the_picture_is_text_that_can_be_selected_and_names_itself(project: Project) -> None:
    picture = drawn(graph_of(project))
    assert picture.get("role") == "img"
    assert picture.find(f"{SVG}title") is not None
    assert not [element for element in picture.iter() if element.tag in {f"{SVG}image", f"{SVG}foreignObject"}]
    # README columns are some 830 px wide; what is much wider is scaled down until nobody can read it.
    assert float(str(picture.get("width"))) < 1000


def test_the_same_specs_give_the_same_bytes_in_every_process(root: Path) -> None:
    written = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())}
        command = [sys.executable, "-m", "scripts.graph", "--output", f"{seed}.svg"]
        subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)
        written.append((root / f"{seed}.svg").read_bytes())
    assert written[0] == written[1]


def test_a_template_error_is_told_and_nothing_is_drawn(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(root, "pipelines/tune.yml.j2", "<< trials >>", "<< trails >>")
    monkeypatch.chdir(root)
    assert main(parse_args([])) == 1
    assert "pipelines/tune.yml.j2:14: 'trails' is not defined" in capsys.readouterr().err
    assert not (root / "docs").exists()
