"""All signals of one invocation: the datasets are read, then each signal is computed, whatever the others come to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from signals import duck
from signals.columns import NotComputed
from signals.reading import Dataset, open_table, read
from signals.result import Result
from signals.sources import PARQUET, NoData, Source, Window
from signals.spec import ATTRIBUTION, CUSTOM, DRIFT, PERFORMANCE, QUALITY, Signal


@dataclass(frozen=True)
class Data:
    """What an invocation is given.

    Attributes:
        reference, production, outputs: files or folders; outputs are joined to production on the correlation id.
        reference_window, production_window: hours to take of collected data; None for all.
    """

    reference: Path
    production: Path
    outputs: Path | None = None
    reference_window: Window | None = None
    production_window: Window | None = None


def run(data: Data, signals: Sequence[Signal], folder: Path) -> list[Result]:
    """Compute signals.

    Args:
        folder: for what is converted and for what does not fit into memory.

    Returns:
        A result for each signal; what could not be computed is in its findings.
    """
    if not signals:
        return []
    try:
        reference, production = _read(data, signals, folder)
    except NoData as error:
        return [_failed(signal, error.code, str(error)) for signal in signals]
    results = {signal.name: _one(signal, reference, production, folder) for signal in signals}
    by_column = [signal for signal in signals if signal.type in (*DRIFT, QUALITY)]
    if by_column:
        results |= _by_column(by_column, reference, production)
        if reference.files == production.files:
            for signal in by_column:
                text = "production and reference are the same files, so that nothing can drift"
                results[signal.name].note("warning", "same-data", text)
    for result in results.values():
        for text in result.signal.problems:
            result.note("error", "bad-threshold", text)
        for text in result.signal.doubts:
            result.note("warning", "odd-threshold", text)
        for side, dataset in (("reference", reference), ("production", production)):
            for code, message in dataset.notes:
                result.note("warning", code, f"{side}: {message}")
    return [results[signal.name] for signal in signals]


def _read(data: Data, signals: Sequence[Signal], folder: Path) -> tuple[Dataset, Dataset]:
    sides = {}
    for side, path, window in (("reference", data.reference, data.reference_window),
                               ("production", data.production, data.production_window)):  # fmt: skip
        try:
            sides[side] = read(path, window, folder / side)
        except NoData as error:
            raise NoData(error.code, f"{side} data: {error}") from error
    if data.outputs:
        sides["production"] = _joined(sides["production"], data, signals[0].correlation(1), folder)
    return sides["reference"], sides["production"]


def _joined(production: Dataset, data: Data, key: str, folder: Path) -> Dataset:
    """Production data with the columns of the model's outputs beside; rows without are left out, as in Azure."""
    outputs = read(data.outputs or folder, data.production_window, folder / "outputs")
    for what, dataset in (("production data", production), ("model outputs", outputs)):
        if key not in dataset.table.types:
            raise NoData("missing-column", f"{what} has no column '{key}' to join it on")
    added = [name for name in outputs.table.types if name not in production.table.types]
    picked = ", ".join(["p.*", *(f"o.{duck.name(name)}" for name in added)])
    target = folder / "joined.parquet"
    try:
        with duck.connect(folder) as connection:
            sides = [duck.read_parquet(dataset.table.files) for dataset in (production, outputs)]
            using = f"CAST(p.{duck.name(key)} AS VARCHAR) = CAST(o.{duck.name(key)} AS VARCHAR)"
            duck.write(connection, f"SELECT {picked} FROM {sides[0]} p JOIN {sides[1]} o ON {using}", target)
    except duck.DuckError as error:
        raise NoData("unreadable", f"production data can't be joined with model outputs: {error}") from error
    notes = [*production.notes, *outputs.notes]
    source = Source(folder, [target], PARQUET, notes=notes)
    table = open_table(source)
    if not table.rows:
        raise NoData("no-matches", f"no row of production data has model outputs with the same '{key}'")
    return Dataset(table, production.files, notes)


def _one(signal: Signal, reference: Dataset, production: Dataset, folder: Path) -> Result:
    """A signal that is not computed column by column; an empty result for those that are."""
    try:
        if signal.type == ATTRIBUTION:
            from signals.attribution import attribution_drift

            return attribution_drift(reference.table, production.table, signal)
        if signal.type == PERFORMANCE:
            from signals.performance import performance

            return performance(reference.table, production.table, signal, folder)
        if signal.type == CUSTOM:
            from signals.custom import custom

            return custom(production.table, signal)
    except NoData as error:
        return _failed(signal, error.code, str(error))
    except (NotComputed, duck.DuckError) as error:
        return _failed(signal, "not-computed", str(error))
    except Exception as error:  # noqa: BLE001 - the other signals are computed all the same
        result = Result(signal)
        result.note_crash(error)
        return result
    return Result(signal)


def _by_column(signals: Sequence[Signal], reference: Dataset, production: Dataset) -> dict[str, Result]:
    from signals.compute import compute

    failed, chosen = {}, []
    for signal in signals:
        try:
            chosen.append(_with_features(signal, reference))
        except NotComputed as error:
            failed[signal.name] = _failed(signal, "not-computed", f"features can't be chosen by importance: {error}")
    return failed | {result.signal.name: result for result in compute(reference.table, production.table, chosen)}


def _with_features(signal: Signal, reference: Dataset) -> Signal:
    """The signal with the features named that matter most."""
    if signal.top is None:
        return signal
    target = signal.target(0)
    if target is None:
        raise NotComputed("data_column_names of the reference data has no target_column to fit a model to")
    from signals.attribution import importances

    found = importances(reference.table, target, [signal.correlation(0)], signal.task)
    return replace(signal, features=tuple(sorted(found, key=lambda name: (-found[name], name))[: signal.top]))


def _failed(signal: Signal, code: str, message: str) -> Result:
    result = Result(signal)
    result.note("error", code, message)
    return result
