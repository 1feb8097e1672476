"""The weather of February 2013 as it lands, in any format, and runs of register_dataset over a landing folder."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq
import yaml

from tests.component import ROOT, load

register_dataset = load("register_dataset")
contract_module = load("register_dataset", "contract")
CONTRACT = ROOT / "data" / "weather" / "contract"
MONTH = "2013-02-01/weather.csv"
TYPES = {
    name: column["dtype"]
    for name, column in yaml.safe_load((CONTRACT / "contract.yml").read_text())["rows"]["columns"].items()
}
ROWS = 2_010
Rows = list[list[str]]


JANUARY = "2013-01-01/weather.csv"


class Landing:
    """A landing folder and the runs of register_dataset over it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs, self.contract = folder, 0, CONTRACT

    def drop(self, name: str, content: bytes) -> None:
        path = self.folder / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def register(self) -> tuple[int, dict[str, Any]]:
        """Exit code and report of one more run; the quarantine is the same for all, as in the pipeline."""
        self.runs += 1
        out = self.folder / f"run{self.runs}"
        outputs = {"dataset": out / "dataset", "quarantine": self.folder / "quarantine", "report": out / "report"}
        for path in outputs.values():
            path.mkdir(parents=True, exist_ok=True)
        argv = ["--landing", str(self.folder / "landing"), "--contract", str(self.contract)]
        argv += ["--datastore", "workspaceblobstore", "--dataset-path", "landing/weather"]
        argv += [text for name, path in outputs.items() for text in (f"--{name}", str(path))]
        code = register_dataset.main(register_dataset.parse_args(argv))
        report = json.loads((outputs["report"] / "report.json").read_text())
        return code, report

    @property
    def dataset(self) -> Path:
        return self.folder / f"run{self.runs}" / "dataset"

    @property
    def quarantined(self) -> list[str]:
        return sorted(path.relative_to(self.folder / "quarantine").as_posix() for path in self._quarantined())

    def _quarantined(self) -> list[Path]:
        return [path for path in (self.folder / "quarantine").rglob("*") if path.is_file()]


def as_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path)


def as_orc(table: pa.Table, path: Path) -> None:
    pa.orc.write_table(table, path)


def as_json_lines(table: pa.Table, path: Path) -> None:
    lines = [json.dumps(row, default=lambda moment: moment.isoformat()) + "\n" for row in table.to_pylist()]
    path.write_text("".join(lines), encoding="utf-8")


def as_avro(table: pa.Table, path: Path) -> None:
    kinds = {pa.int64(): "long", pa.float64(): "double", pa.string(): "string"}
    moment = {"type": "long", "logicalType": "timestamp-micros"}
    fields = [{"name": field.name, "type": ["null", kinds.get(field.type, moment)]} for field in table.schema]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "weather", "fields": fields}, table.to_pylist())


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "parquet": as_parquet,
    "orc": as_orc,
    "jsonl": as_json_lines,
    "avro": as_avro,
}


def typed(content: bytes) -> pa.Table:
    """The month as an exporter with types would hold it."""
    table = pyarrow.csv.read_csv(io.BytesIO(content))
    numbers = {"wind_dir": pa.float64(), "wind_speed": pa.float64(), "precip": pa.float64(), "visib": pa.float64()}
    fields = [pa.field(field.name, numbers.get(field.name, field.type)) for field in table.schema]
    moment = table.schema.get_field_index("time_hour")
    fields[moment] = pa.field("time_hour", pa.timestamp("us", "UTC"))
    return table.cast(pa.schema(fields))


def of_january(february: bytes) -> bytes:
    return february.replace(b",2013,2,", b",2013,1,").replace(b"2013-02-", b"2013-01-")


def edited(content: bytes, edit: Callable[[Rows], Rows]) -> bytes:
    lines = edit(list(csv.reader(io.StringIO(content.decode()))))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def with_cells(column: str, value: str, rows: int = 1) -> Callable[[bytes], bytes]:
    def edit(lines: Rows) -> Rows:
        at = lines[0].index(column)
        return [line if not 1 <= n <= rows else [*line[:at], value, *line[at + 1 :]] for n, line in enumerate(lines)]

    return lambda content: edited(content, edit)


def lines_of(edit: Callable[[Rows], Rows]) -> Callable[[bytes], bytes]:
    return lambda content: edited(content, edit)
