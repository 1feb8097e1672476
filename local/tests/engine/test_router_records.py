"""The router's records of the model data collector, sent as azureml-ai-monitoring 1.0.0 sends them."""

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from routing import deployment, digest, endpoint, error

SOURCE = "/subscriptions/s/resourceGroups/g/providers/…/onlineEndpoints/e/deployments/blue"
AT = 1795565317  # 2026-11-25 00:08:37 UTC
CALL = {
    "User-Agent": "python-requests/2.34.2",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
    "Content-Type": "application/json",
    "trace-id": "dcd2e392-8f67-455c-af9f-79ce6bc8cc75",
    "ce-time": str(AT),
    "ce-type": "azureml.inference.model_inputs",
    "ce-collect-data-type": "pandas.core.frame.DataFrame",
    "ce-agent": "azureml-ai-monitoring/1.0.0",
    "ce-x-request-id": "corr-1",
    "ce-model-version": "default",
}
ROWS = r'[{"a":1.5,"b":"x"},{"a":null,"b":"\u00e9\n\""},{"a":3.1415926536,"b":"z"}]'
HOUR = "2026/11/25/00/local.jsonl"


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


BLUE = basic("e.blue:token")


@pytest.fixture
def collect(router, blue, tmp_path):
    """Sends a call as deployment blue of endpoint e, which collects into tmp_path."""

    def call(body=ROWS, authorization=BLUE, path="/modeldata/log", **headers):
        given = {**CALL, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return router.send(body, path, key=None, port=router.collector_port, Authorization=authorization, **given)

    configure(router, blue, tmp_path)
    return call


def configure(router, blue, folder, **settings):
    collections = {"model_inputs": {"rate": 1.0}, "Model_Outputs": {"rate": 1.0}, "../up": {"rate": 1.0}}
    collector = {"token": digest("token"), "folder": str(folder), "source": SOURCE, "collections": collections,
                 "rolling_rate": "hour", "capture_headers": [], **settings}  # fmt: skip
    plain = deployment(blue.server_address)
    collecting = deployment(blue.server_address, collector=collector)
    router.route({"e": endpoint({"blue": 100}, blue=collecting, plain=plain)})


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_call_becomes_a_line_in_azures_format(collect, tmp_path):
    assert collect().status == 200
    assert (
        collect("[]", ce_type="azureml.inference.model_outputs", trace_id="2", ce_x_request_id="corr-2").status == 200
    )
    assert records(tmp_path / "model_inputs" / HOUR) == [{
        "specversion": "1.0", "id": CALL["trace-id"], "source": SOURCE, "type": "azureml.inference.model_inputs",
        "datacontenttype": "application/json", "time": "2026-11-25T00:08:37Z", "data": json.loads(ROWS),
        "contentrange": f"bytes 0-{len(ROWS) - 1}/{len(ROWS)}", "correlationid": "corr-1", "xrequestid": "corr-1",
        "modelversion": "default", "collectdatatype": "pandas.core.frame.DataFrame",
        "agent": "azureml-ai-monitoring/1.0.0",
    }]  # fmt: skip
    (outputs,) = records(tmp_path / "model_outputs" / HOUR)
    assert (outputs["data"], outputs["correlationid"]) == ([], "corr-2")


def test_numbers_stay_as_they_were_sent_and_a_record_is_one_line(collect, tmp_path):
    sent = '[{"a":\r\n 0.10000000000000000555, "a": 1e400,\n"b": 123456789012345678901234567890}]'
    assert collect(sent).status == 200
    (line,) = (tmp_path / "model_inputs" / HOUR).read_text().splitlines()
    assert '"data":[{"a":   0.10000000000000000555, "a": 1e400, "b": 123456789012345678901234567890}]}' in line


@pytest.mark.parametrize(("rate", "path"), [("minute", "2026/11/25/00/08"), ("day", "2026/11/25")])
def test_how_often_a_new_file_begins(router, blue, collect, tmp_path, rate, path):
    configure(router, blue, tmp_path, rolling_rate=rate)
    assert collect().status == 200
    assert len(records(tmp_path / "model_inputs" / path / "local.jsonl")) == 1


def test_a_collection_with_a_place_of_its_own(router, blue, collect, tmp_path):
    own = {"model_inputs": {"rate": 1.0, "folder": str(tmp_path / "own")}}
    configure(router, blue, tmp_path, collections=own)
    assert collect().status == 200
    assert len(records(tmp_path / "own" / HOUR)) == 1


@pytest.mark.parametrize("authorization", [
    "", "Basic", "Basic !", basic("e.blue:wrong"), basic("e.blue"), basic("e.green:token"), basic("x.blue:token"),
    basic("e.plain:token"), basic("token"), basic(":"), "Bearer token", "Basic " + "x" * 8000,
    "Basic " + base64.b64encode(b"\xff.\xfe:\xfd").decode(), basic("e.blue:token").replace("Basic", "Digest"),
])  # fmt: skip
def test_only_servers_of_the_deployment_are_believed(collect, tmp_path, authorization):
    assert collect(authorization=authorization).status == 401
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["", "model_inputs", "azureml.inference.", "azureml.inference.other",
                                  "azureml.inference.request", "azureml.inference.../up"])  # fmt: skip
def test_no_other_collection_is_written(collect, tmp_path, kind):
    assert collect(ce_type=kind).status == 404
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", ["", "{", "[1,]", '[{"a": NaN}]', "[" * 100_000, "1" * 5000, b"\xff\xfe[\x00]\x00"])
def test_what_is_no_json_is_refused(collect, tmp_path, body):
    assert collect(body).status == 400
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", ["x", "-1", "nan", "inf", "1e300"])
def test_a_time_that_never_was(collect, tmp_path, at):
    assert collect(ce_time=at).status == 400
    assert list(tmp_path.iterdir()) == []


def test_other_paths(collect):
    assert collect(path="/modeldata/log/../x").status == 404
    assert collect(path="/").status == 404


def test_large_data_gets_a_file_of_its_own(collect, tmp_path):
    rows = json.dumps([{"a": "x" * 1000}] * 4100)
    assert len(rows) < 4 * 2**20 < len(rows) + 2**20
    assert collect(rows).status == 200
    larger = json.dumps([{"a": "x" * 1000}] * 5000)
    assert collect(larger, trace_id="../../elsewhere").status == 200
    inline, referring = records(tmp_path / "model_inputs" / HOUR)
    assert inline["data"] == json.loads(rows)
    assert "data" not in referring
    path = Path(referring["dataref"].removeprefix("file://"))
    assert path.parent == (tmp_path / "model_inputs" / HOUR).parent
    assert path.read_text() == larger


def test_a_full_disk_is_told_and_passes(router, collect, tmp_path):
    path = tmp_path / "model_inputs" / HOUR
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/full")
    answer = collect()
    assert (answer.status, "No space left" in error(answer)) == (507, True)
    assert router.send().status == 200
    path.unlink()
    assert collect().status == 200
    assert len(records(path)) == 1


def test_a_line_that_a_killed_router_left_unfinished_goes(collect, tmp_path):
    path = tmp_path / "model_inputs" / HOUR
    collect()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"specversion":"1.0","data":[' + b"1," * 100_000)
    collect()
    assert path.read_bytes() == whole * 2


def test_payload_logging(router, blue, collect, tmp_path):
    configure(router, blue, tmp_path, collections={"request": {"rate": 1.0}, "response": {}},
              capture_headers=["X-User", "Authorization"])  # fmt: skip
    blue.answer = lambda request: (200, {"Content-Type": "text/plain"}, "grün".encode())
    before = datetime.now(UTC).replace(microsecond=0)
    assert router.send(b'{"a":\n1}', "/e/score?x=1", X_User="me", x_request_id="id-1",
                       Content_Type="application/json").status == 200  # fmt: skip
    blue.answer = lambda request: (200, {"Content-Type": "image/png"}, b"\x89PNG\xff")
    assert router.send(b"\xff", x_request_id="id-2").status == 200
    (request, binary), (text, image) = (
        [record for path in sorted((tmp_path / name).rglob("*.jsonl")) for record in records(path)]
        for name in ("request", "response")
    )
    assert (request["type"], request["method"], request["path"]) == ("azureml.inference.request", "POST", "/score?x=1")
    assert (request["data"], request["datacontenttype"]) == ({"a": 1}, "application/json")
    assert request["headers"] == {"x-user": "me"}
    assert (request["source"], request["xrequestid"], request["correlationid"]) == (SOURCE, "id-1", "id-1")
    assert datetime.fromisoformat(request["time"]) >= before
    assert (text["data"], text["datacontenttype"], text["xrequestid"]) == ("grün", "text/plain", "id-1")
    assert binary["datainblob"] == image["datainblob"] == "true"
    assert Path(image["data"].removeprefix("file://")).read_bytes() == b"\x89PNG\xff"


def test_payload_logging_samples_and_never_fails_a_request(router, blue, collect, tmp_path):
    configure(router, blue, tmp_path, collections={"request": {"rate": 0.5}, "response": {"rate": 0}})
    assert {router.send(b"{}").status for _ in range(100)} == {200}
    lines = sum(len(records(path)) for path in tmp_path.rglob("*.jsonl"))
    assert 25 <= lines <= 75  # 50 expected; five standard deviations are 25
    assert not (tmp_path / "response").exists()
    blocked = tmp_path / "file"
    blocked.touch()
    configure(router, blue, blocked, collections={"request": {"rate": 1}})
    assert router.send(os.urandom(100)).status == 200
