"""Landing files -> checked, date-partitioned Parquet with an MLTable: the next version of a dataset.

Each file of the landing folder is read in chunks, checked against the data contract and written to
<dataset>/<date>/<name>.parquet. A file that breaks the contract is copied to the quarantine with a report and the
job fails, so that nothing is registered and earlier versions stay. While exactly that file, by its content, lies in the
landing folder and no good file holds its month, later runs fail as well: a dataset without the month would be no next
version. A corrected file, or a changed contract, is checked anew.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from contract import Contract, ContractError, load_contract
from file_check import Broken, FileCheck
from formats import open_file
from source import Unreadable

Month = tuple[int, int]


def main(args: argparse.Namespace) -> int:
    try:
        contract = load_contract(args.contract / "contract.yml")
    except ContractError as error:
        print(f"ERROR {error}", file=sys.stderr)
        return 1
    rules = digest(args.contract / "contract.yml")
    months: dict[Month, str] = {}
    files = [check_file(path, args, contract, rules, months) for path in landing_files(args.landing)]
    pass_over(files, months)
    accepted = [file for file in files if file["status"] == "accepted"]
    refused = refusal(files)
    report = {
        "dataset": contract.name,
        "contract_version": contract.version,
        "landing": f"{args.datastore}: {args.dataset_path}",
        "status": "accepted" if accepted and not refused else "refused",
        "version": content_version(rules, accepted),
        "job": os.environ.get("AZUREML_RUN_ID", ""),
        "rows": sum(file["rows"] for file in accepted),
        "months": sorted(f"{year}-{month:02d}" for year, month in months),
        "files": files,
    }
    write_json(args.report / "report.json", report)
    if report["status"] == "refused":
        nothing = "there is no landing file that keeps the contract"
        print(f"ERROR {contract.name}: {refused or nothing}. Nothing is registered.", file=sys.stderr)
        return 1
    shutil.copyfile(args.contract / "MLTable", args.dataset / "MLTable")
    write_json(args.dataset / "report.json", report)
    print(f"{contract.name}: {report['rows']:,} rows, {', '.join(report['months'])}, content {report['version']}")
    return 0


def landing_files(landing: Path) -> list[Path]:
    """Files to check. A leading dot or underscore marks a file that is still being written, or no data at all."""
    found = sorted(path for path in landing.rglob("*") if path.is_file())
    return [path for path in found if not any(part[0] in "._" for part in path.relative_to(landing).parts)]


def check_file(
    path: Path, args: argparse.Namespace, contract: Contract, rules: str, months: dict[Month, str]
) -> dict[str, Any]:
    """Writes a landing file as a partition if it keeps the contract, else puts it into quarantine.

    Args:
        path: the landing file, <date>/<any name>.<format>.
        args: arguments of the job.
        contract: what the file must hold.
        rules: digest of the contract's text.
        months: months seen so far and the file of each; an accepted file is added.

    Returns:
        The file's part of the report.
    """
    name = path.relative_to(args.landing).as_posix()
    result: dict[str, Any] = {"file": name, "bytes": path.stat().st_size, "sha256": digest(path), "contract": rules}
    cell = args.quarantine / name / result["sha256"][:12]
    # As the pipeline puts it into the datastore; the mount's own path is that of one job.
    place = f"quarantine/{contract.name}/{name}/{cell.name}/report.json"
    check = FileCheck(contract, month_of(name))
    earlier = json.loads((cell / "report.json").read_text()) if (cell / "report.json").is_file() else {}
    if earlier.get("contract") == rules and (check.month in months or not only_second(earlier)):
        return {**earlier, "quarantine": place, "status": "still in quarantine"}

    target = args.dataset / path.relative_to(args.landing).parent / f"{contract.name}.parquet"
    if check.month == NO_MONTH:
        check.add("place", "a landing file lies in a folder named by a date of its month, such as 2013-01-01")
    elif check.month in months:
        check.add(SECOND, f"{months[check.month]} holds this month already: was it sent twice?")
    else:
        write_partition(path, check, target)
    result |= {"rows": check.rows, "broken": [asdict(rule) for rule in check.broken.values()]}
    if not check.broken:
        months[check.month] = name
        print(f"{name}: {check.rows:,} rows")
        return {**result, "status": "accepted"}
    for rule in check.broken.values():
        print(f"REFUSED {name}: {rule}")
    result |= {"status": "refused", "quarantine": place}
    cell.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, cell / path.name)
    write_json(cell / "report.json", result)  # last: a report says that the copy is whole
    return result


NO_MONTH = (0, 0)
SECOND = "one file a month"


def only_second(report: dict[str, Any]) -> bool:
    """Whether nothing is known against a file but that another one held its month."""
    return [rule["rule"] for rule in report["broken"]] == [SECOND]


def pass_over(files: list[dict[str, Any]], months: dict[Month, str]) -> None:
    """Lets those files from earlier runs' quarantine be whose month a good file holds by now; says so of each."""
    for file in [file for file in files if file["status"] == "still in quarantine"]:
        if good := months.get(month_of(file["file"])):
            file["status"] = "passed over"
            print(f"WARNING {file['file']}: passed over, in quarantine ({file['quarantine']}); {good} holds its month")
        else:
            for rule in file["broken"]:
                print(f"REFUSED {file['file']}: {Broken(**rule)}")


def month_of(name: str) -> Month:
    """Of the folder of a landing file, named as MLTable reads it; Python takes 20130101 for a date as well."""
    folder = PurePosixPath(name).parent.as_posix()
    try:
        day = date.fromisoformat(folder)
    except ValueError:
        return NO_MONTH
    return (day.year, day.month) if day.isoformat() == folder else NO_MONTH


def write_partition(path: Path, check: FileCheck, target: Path) -> None:
    """Streams a landing file through its check into `target`; what breaks the contract leaves no partition."""
    try:
        source = open_file(path, check.contract.columns)
        if not check.columns(source):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        schema = pa.schema(check.contract.columns)
        # A chunk is written while the next is checked, and no further one is waiting: memory stays bounded.
        with pyarrow.parquet.ParquetWriter(target, schema) as writer, ThreadPoolExecutor(1) as pool:
            written = pool.submit(lambda: None)
            for table in source.chunks:
                checked = check.chunk(table, source.typed)
                written.result()
                written = pool.submit(writer.write_table, checked)
            written.result()
        check.finish(source.ragged)
    except Unreadable as error:
        check.add(error.rule, error.message)
    if check.broken and target.parent.is_dir():
        shutil.rmtree(target.parent)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_version(rules: str, accepted: list[dict[str, Any]]) -> str:
    """Names the data by its content, so that a model can say what it was trained on, wherever that is registered."""
    content = [rules, *(f"{file['file']} {file['sha256']}" for file in accepted)]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]


def refusal(files: list[dict[str, Any]]) -> str:
    """Which files stop the registration, where their reports are and what to do; empty if none does."""
    advice = "send a corrected file, or take it out of the landing folder"
    reasons = {"refused": "broke the contract and went into quarantine",
               "still in quarantine": "still in quarantine since an earlier run"}  # fmt: skip
    found = []
    for status, reason in reasons.items():
        names = [f"{file['file']} ({file['quarantine']})" for file in files if file["status"] == status]
        found += [f"{reason}: {', '.join(names)}"] if names else []
    return "; ".join([*found, advice]) if found else ""


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a file that appears whole or not at all: the next run reads what the quarantine holds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--landing", type=Path, required=True, help="folder of <date>/<file> to check")
    parser.add_argument("--contract", type=Path, required=True, help="folder of contract.yml and MLTable")
    parser.add_argument("--datastore", required=True, help="datastore of the landing folder, for the report")
    parser.add_argument("--dataset-path", required=True, help="path of the landing folder, for the report")
    parser.add_argument("--dataset", type=Path, required=True, help="output: partitions, MLTable and report")
    parser.add_argument("--quarantine", type=Path, required=True, help="output: refused files with their reports")
    parser.add_argument("--report", type=Path, required=True, help="output: folder of report.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
