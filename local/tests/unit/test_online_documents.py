"""Documents of online endpoints and deployments, before any process is started."""

import contextlib
import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from endpoint_documents import SERVING, online_deployment
from ml_workspace import Conflict, NotFound, Unsupported, Workspace, WorkspaceError, endpoints, online, online_plan
from ml_workspace.online import OnlineEndpoints

COLLECTIONS = {"Model_Inputs": {"enabled": "true"}, "model_outputs": {"enabled": "false"}}


@pytest.fixture
def ws(tmp_path, monkeypatch):
    """A workspace that starts no supervisor."""
    workspace = Workspace.create(tmp_path / "root", "rg", "ws")
    workspace.assets.create("environment", SERVING)
    monkeypatch.setattr(workspace.online.serving, "ensure", lambda: None)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("")
    return workspace


@pytest.fixture
def make(ws, tmp_path):
    """Plans a deployment: (document, plan)."""

    def run(before=None, **fields):
        return online_plan.make(ws, {**online_deployment("e11", "blue"), **fields}, tmp_path, before)

    return run


def test_an_endpoint_is_kept_with_random_keys_that_only_its_owner_can_read(ws):
    doc = ws.online.create({"name": "e11", "tags": {"a": "b"}, "auth_mode": None}, wait=False)
    assert doc["auth_mode"] == "key"
    assert doc["id"] == f"{ws.id}/onlineEndpoints/e11"
    assert (doc["traffic"], doc["mirror_traffic"], doc["tags"]) == ({}, {}, {"a": "b"})
    ws.online.create({"name": "e22"}, wait=False)
    assert [each["name"] for each in ws.online.list()] == ["e11", "e22"]
    keys = {*ws.online.keys("e11").values(), *ws.online.keys("e22").values()}
    assert len(keys) == 4
    assert min(map(len, keys)) == 52
    for file in (ws.path / "serving").rglob("*"):
        wanted = 0o700 if file.is_dir() else 0o600
        assert file.suffix == ".lock" or stat.S_IMODE(file.stat().st_mode) == wanted, file


def test_one_key_is_replaced_and_the_other_stays(ws):
    ws.online.create({"name": "e11"}, wait=False)
    before = ws.online.keys("e11")
    ws.online.regenerate("e11", "Secondary", wait=False)
    after = ws.online.keys("e11")
    assert after["primaryKey"] == before["primaryKey"]
    assert after["secondaryKey"] != before["secondaryKey"]
    with pytest.raises(WorkspaceError, match="'tertiary' is not one of primary, secondary"):
        ws.online.regenerate("e11", "tertiary")


def test_keys_that_are_replaced_at_the_same_time_are_both_kept(ws, monkeypatch):
    ws.online.create({"name": "e11"}, wait=False)
    both = threading.Barrier(2)
    made: list[str] = []

    def slowly():
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=1)  # each has read the keys, unless one waits for the other
        made.append(f"key{len(made)}")
        return made[-1]

    monkeypatch.setattr(online, "new_key", slowly)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda kind: ws.online.regenerate("e11", kind, wait=False), online.KEY_TYPES))
    assert sorted(ws.online.keys("e11").values()) == sorted(made)


def test_a_key_is_replaced_also_while_the_endpoint_is_changed(ws, monkeypatch):
    ws.online.create({"name": "e11"}, wait=False)
    make = online.new_key

    def meanwhile():
        ws.online.update("e11", {**ws.online.get("e11"), "tags": {"x": "1"}}, wait=False)
        return make()

    monkeypatch.setattr(online, "new_key", meanwhile)
    ws.online.regenerate("e11", "primary", wait=False)
    assert ws.online.get("e11")["tags"] == {"x": "1"}


@pytest.mark.parametrize(
    "look",
    [
        lambda online: online.get("e11"),
        lambda online: online.list(),
        lambda online: online.keys("e11"),
        lambda online: online.deployment("e11", "blue"),
        lambda online: online.deployments("e11"),
        lambda online: online.logs("e11", "blue", 5),
        lambda online: online.delete("e11", wait=False),
    ],
)
def test_whoever_looks_brings_a_killed_supervisor_back_but_not_one_that_was_stopped(ws, monkeypatch, look):
    ws.online.create({"name": "e11"}, wait=False)
    plan = {"wanted": {"id": "p"}, "live": None}
    ws.online.insert_deployment("e11", "blue", online_deployment("e11", "blue"), plan)
    log = ws.online.serving.folder.revision("e11", "blue", "p") / "server-0.log"
    log.parent.mkdir(parents=True)
    log.write_text("up")
    started: list[int] = []
    monkeypatch.setattr(ws.online.serving, "ensure", lambda: started.append(1))
    ws.online.serving.folder.keep({"ports": {"requests": 1, "collector": 2}})  # what `make down` leaves
    ws.online.serving.recover()
    assert not started
    ws.online.serving.folder.keep({"ports": {"requests": 1, "collector": 2}, "servers": {"s": {"endpoint": "e11"}}})
    look(ws.online)
    assert started


def test_a_request_that_starts_stopped_servers_waits_until_they_are_ready(ws, monkeypatch):
    ws.online.create({"name": "e11"}, wait=False)
    ws.online.insert_deployment("e11", "blue", online_deployment("e11", "blue"), {"wanted": {}, "live": {"id": "p"}})
    serving, moments = ws.online.serving, []

    def keep(ready):
        serving.folder.keep({"servers": {"s": {"endpoint": "e11", "deployment": "blue", "ready": ready}}})
        moments.append(ready)

    def start():
        keep(False)
        threading.Timer(0.3, keep, [True]).start()
        return "http://127.0.0.1:1"

    class Connection:
        def __init__(self, netloc, timeout):
            assert moments == [False, True]
            raise ConnectionRefusedError

    monkeypatch.setattr(serving, "address", start)
    monkeypatch.setattr(online.http.client, "HTTPConnection", Connection)
    with pytest.raises(ConnectionRefusedError):
        ws.online.invoke("e11", b"{}")


def test_an_endpoint_that_exists_is_not_made_again_and_keeps_its_keys(ws):
    ws.online.create({"name": "e11"}, wait=False)
    keys = ws.online.keys("e11")
    with pytest.raises(Conflict, match=r"already exists.*update"):
        ws.online.create({"name": "e11"})
    assert ws.online.keys("e11") == keys


def test_no_name_of_an_endpoint_is_that_of_a_file_of_the_serving_folder(ws):
    ws.online.create({"name": "e11"}, wait=False)
    ws.online.serving.folder.keep({})
    for file in ws.online.serving.folder.lock, ws.online.serving.log:
        file.touch()
    for file in ws.online.serving.folder.path.iterdir():
        assert file.name == "e11" or not endpoints.NAME.match(file.name), file


def test_a_deployment_that_goes_while_it_is_given_traffic_gets_none(ws, tmp_path, monkeypatch):
    ws.online.create({"name": "e11"}, wait=False)
    ws.online.create_deployment(online_deployment("e11", "blue"), tmp_path)
    up(ws, "blue")
    check = online.checked_mirror
    delete = threading.Thread(target=quietly, args=(Workspace(ws.path).online.delete_deployment, "e11", "blue", False))

    def meanwhile(*given):
        delete.start()
        delete.join(timeout=1)
        return check(*given)

    monkeypatch.setattr(online, "checked_mirror", meanwhile)
    quietly(ws.online.update, "e11", {**ws.online.get("e11"), "traffic": {"blue": 100}}, False)
    delete.join()
    served = [each["name"] for each in ws.online.deployments("e11")]
    assert list(ws.online.get("e11")["traffic"]) == served


def quietly(call, *arguments):
    with contextlib.suppress(WorkspaceError):
        call(*arguments)


@pytest.mark.parametrize("name", ["", "ab", "1abc", "abc-", "a_b", "a" * 33, "../x", "abc\n"])
def test_names_are_those_of_azure(ws, name):
    with pytest.raises(WorkspaceError, match="3 to 32 letters"):
        ws.online.create({"name": name})


def test_what_only_azure_has_is_refused_by_name(ws, make):
    with pytest.raises(Unsupported, match="auth_mode: aad_token"):
        ws.online.create({"name": "e11", "auth_mode": "aad_token"})
    for fields, message in (
        ({"type": "kubernetes"}, "type: kubernetes"),
        ({"scale_settings": {"type": "target_utilization"}}, "scale_settings"),
        ({"instance_type": "Standard_NC6"}, "instance_type"),
    ):
        with pytest.raises(Unsupported, match=message):
            make(**fields)


def test_nothing_can_be_done_to_what_does_not_exist(ws, tmp_path):
    for call in (
        lambda: ws.online.get("nope"),
        lambda: ws.online.keys("nope"),
        lambda: ws.online.update("nope", {}),
        lambda: ws.online.delete("nope"),
        lambda: ws.online.deployments("nope"),
        lambda: ws.online.invoke("nope", b""),
        lambda: ws.online.create_deployment(online_deployment("nope", "blue"), tmp_path),
    ):
        with pytest.raises(NotFound, match="endpoint 'nope' was not found"):
            call()
    ws.online.create({"name": "e11"}, wait=False)
    with pytest.raises(NotFound, match="Its deployments: none"):
        ws.online.deployment("e11", "blue")
    for name in ("blue", "grün", "blue\r\nX: y"):  # it would become a header
        with pytest.raises(WorkspaceError, match=r"Endpoint 'e11' has no deployment .*; its deployments are: none"):
            ws.online.invoke("e11", b"", name)


def test_traffic_goes_to_deployments_that_have_been_up_and_update_takes_what_show_printed(ws, tmp_path):
    ws.online.create({"name": "e11"}, wait=False)
    ws.online.create_deployment(online_deployment("e11", "blue"), tmp_path)
    with pytest.raises(WorkspaceError, match="no deployment 'blue' that is up"):
        ws.online.update("e11", {**ws.online.get("e11"), "traffic": {"blue": 100}})
    up(ws, "blue")
    printed = ws.online.update(
        "e11", {**ws.online.get("e11"), "traffic": {"blue": 100}, "tags": {"x": "1"}}, wait=False
    )
    assert ws.online.update("e11", printed, wait=False) == printed
    assert (printed["traffic"], printed["tags"]) == ({"blue": 100}, {"x": "1"})
    with pytest.raises(WorkspaceError, match="'blue' has 100 % of the traffic"):
        ws.online.delete_deployment("e11", "blue")
    with pytest.raises(Conflict, match=r"Deployment 'blue'.*already exists"):
        ws.online.create_deployment(online_deployment("e11", "blue"), tmp_path)


def up(ws, name):
    """Play the supervisor: the deployment is up."""
    row = ws.online.row("e11", name)
    done = {**row["plan"], "live": row["plan"]["wanted"]}
    ws.catalog.rows("UPDATE deployments SET plan = ? WHERE name = ?", json.dumps(done), name)


def test_deployments_without_traffic_are_shown_with_zero(ws, tmp_path):
    ws.online.create({"name": "e11"}, wait=False)
    for name in ("blue", "green"):
        ws.online.create_deployment(online_deployment("e11", name), tmp_path)
        up(ws, name)
    doc = ws.online.update("e11", {"traffic": {"blue": 100}, "mirror_traffic": {"green": 10}}, wait=False)
    assert (doc["traffic"], doc["mirror_traffic"]) == ({"blue": 100}, {"green": 10})
    doc = ws.online.update("e11", {"traffic": {"blue": 100}}, wait=False)
    assert (doc["traffic"], doc["mirror_traffic"]) == ({"blue": 100, "green": 0}, {})


def test_a_deployment_has_azures_defaults(make):
    doc, plan = make()
    assert (plan["instances"], plan["timeout_ms"], plan["limit"]) == (1, 5000, 2)
    assert plan["liveness"] == plan["readiness"] == {
        "initial_delay": 10, "period": 10, "timeout": 2, "failure_threshold": 30, "success_threshold": 1
    }  # fmt: skip
    assert doc["scale_settings"] == {"type": "default"}
    assert doc["environment"].endswith("/environments/serving/versions/1")
    assert "/codes/" in doc["code_configuration"]["code"]


def test_settings_of_a_deployment_become_its_plan(make):
    _, plan = make(
        instance_count=3,
        request_settings={"request_timeout_ms": 100, "max_concurrent_requests_per_instance": 4},
        liveness_probe={"initial_delay": 0, "period": 1},
        environment_variables={"N": 1},
    )
    assert (plan["instances"], plan["timeout_ms"], plan["limit"]) == (3, 100, 24)
    assert (plan["liveness"]["initial_delay"], plan["liveness"]["period"], plan["liveness"]["timeout"]) == (0, 1, 2)
    assert plan["server"]["variables"] == {"N": "1"}


def test_servers_are_kept_where_what_they_run_stays_the_same(make, tmp_path):
    doc, plan = make(environment_variables={"A": "1"})
    # What was printed comes back, with an id for the code.
    _, scaled = make(plan, **{**doc, "instance_count": 2, "request_settings": {"request_timeout_ms": 1}})
    assert scaled["id"] == plan["id"]
    assert (scaled["instances"], scaled["timeout_ms"]) == (2, 1)
    for change in ({"environment_variables": {"A": "2"}}, {"liveness_probe": {"period": 1}}):
        assert make(plan, **{**doc, **change})[1]["id"] != plan["id"]
    (tmp_path / "code" / "more.py").write_text("")
    assert make(plan, environment_variables={"A": "1"})[1]["id"] != plan["id"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"environment": None}, "environment: is missing"),
        ({"environment": "azureml:nope:1"}, "nope"),
        ({"model": "azureml:nope@newest"}, "nope"),
        ({"code_configuration": None}, "code_configuration: is missing"),
        ({"code_configuration": {"code": "code"}}, "code_configuration: scoring_script: is missing"),
        ({"code_configuration": {"code": "code", "scoring_script": "main.py"}}, "no file main.py in code"),
        ({"code_configuration": {"code": "code", "scoring_script": "../code/score.py"}}, "no file"),
        ({"code_configuration": {"code": "nowhere", "scoring_script": "x.py"}}, "nowhere does not exist"),
        ({"instance_count": -1}, "instance_count: -1: a whole number of at least 1"),
        ({"request_settings": {"request_timeout_ms": 180_001}}, "at most 180000"),
        ({"request_settings": {"max_concurrent_requests_per_instance": "x"}}, "max_concurrent_requests_per_instance"),
        ({"readiness_probe": {"period": 0}}, "readiness_probe: period: 0"),
        ({"data_collector": {"collections": COLLECTIONS, "sampling_rate": 1.1}}, "sampling_rate: 1.1"),
        ({"data_collector": {"collections": COLLECTIONS, "rolling_rate": "year"}}, "rolling_rate: 'year'"),
        (
            {"data_collector": {"collections": {"x": {"enabled": "true", "data": {"path": "file:///etc"}}}}},
            "collections: x: data: path: file:///etc",
        ),
    ],
)
def test_bad_documents_are_refused_by_field(make, fields, message):
    with pytest.raises(WorkspaceError, match=message):
        make(**fields)


def test_collected_data_can_be_read_as_data_assets(ws, make):
    given = {"name": "mine", "version": "7", "path": "azureml://datastores/workspaceblobstore/paths/a/b"}
    collections = {**COLLECTIONS, "request": {"enabled": "true", "data": given}}
    _, plan = make(data_collector={"collections": collections, "sampling_rate": 0.5})
    online_plan.register_collected(ws, plan)
    assert plan["server"]["sampled"] == {"model_inputs": 0.5, "request": 0.5}
    inputs = ws.assets.get("data", "e11-blue-model_inputs", "1")
    assert inputs["path"].endswith("/paths/modelDataCollector/e11/blue/model_inputs")
    assert ws.resolve.path(inputs["path"]).is_dir()
    assert ws.assets.get("data", "mine", "7")["path"] == given["path"]
    assert len(ws.assets.list("data")) == 2  # what is not enabled has none
    online_plan.register_collected(ws, plan)


def test_the_kinds_of_endpoints_do_not_see_each_other(ws):
    class Others(OnlineEndpoints):
        kind = "batch"

    ws.online.create({"name": "e11"}, wait=False)
    assert Others(ws).names() == []
    with pytest.raises(NotFound, match="Batch endpoint 'e11'"):
        Others(ws).stored("e11")
