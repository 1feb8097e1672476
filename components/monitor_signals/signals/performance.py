"""How good predictions were, once the truth is known: both are joined on the correlation id."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from signals import duck
from signals.result import Result, Row
from signals.sources import NoData
from signals.spec import FROM_BELOW, SCORES, Signal
from signals.tables import Table

Confusion = list[tuple[str, str, int]]  # (truth, prediction, rows)


def performance(reference: Table, production: Table, signal: Signal, folder: Path) -> Result:
    """Compute a model performance signal.

    Args:
        reference: the truth.
        production: predictions.
        folder: for what does not fit into memory.

    Raises:
        NoData: a column that is needed is missing.
    """
    result = Result(signal, rows={"reference": reference.rows, "production": production.rows})
    with duck.connect(folder) as connection:
        _join(connection, reference, production, signal)
        joined, complete = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE complete) FROM joined"
        ).fetchone()
        result.rows |= {"joined": joined, "complete": complete}
        _note_rows(result)
        if complete >= max(1, signal.minimum_rows):
            for task, metrics in signal.thresholds.items():
                values = (_scores if task == "classification" else _errors)(connection)
                for metric, threshold in metrics.items():
                    result.metrics.append(_row(task, metric, values[metric], threshold))
    return result


def macro_scores(confusion: Confusion) -> dict[str, float]:
    """Accuracy; precision and recall as means over all classes, 0 for one that is never predicted or never true."""
    total = sum(count for *_, count in confusion)
    right = {truth: count for truth, predicted, count in confusion if truth == predicted}
    true, predicted_as = _sums(confusion, lambda row: row[0]), _sums(confusion, lambda row: row[1])
    classes = sorted({*true, *predicted_as})
    return {
        "accuracy": sum(right.values()) / total,
        "precision": sum(right.get(name, 0) / predicted_as[name] for name in classes if name in predicted_as)
        / len(classes),
        "recall": sum(right.get(name, 0) / true[name] for name in classes if name in true) / len(classes),
    }


def _sums(confusion: Confusion, key: Callable[[tuple[str, str, int]], str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in confusion:
        found[key(row)] = found.get(key(row), 0) + row[2]
    return found


def _join(connection: Any, reference: Table, production: Table, signal: Signal) -> None:
    truth, prediction = signal.target(0), signal.columns[1].get("prediction")
    needed = {
        "reference data (ground truth)": (reference, {"target_column": truth, "correlation_id": signal.correlation(0)}),
        "production data": (production, {"prediction": prediction, "correlation_id": signal.correlation(1)}),
    }
    for side, (table, columns) in needed.items():
        for key, column in columns.items():
            if column is None:
                raise NoData("no-column", f"data_column_names of the {side} has no {key}, which says what to compare")
            if column not in table.types:
                raise NoData("missing-column", f"the {side} has no column '{column}', its {key}")
    where = ""
    if signal.segment:
        column, values = signal.segment
        if column not in production.types:
            raise NoData("missing-column", f"production data has no column '{column}' to take a segment by")
        where = f"WHERE CAST(p.{duck.name(column)} AS VARCHAR) IN ({', '.join(map(duck.literal, values))})"
    both = all(table.is_number(column) for table, column in ((reference, str(truth)), (production, str(prediction))))
    kind = "DOUBLE" if both else "VARCHAR"
    keys = [f"CAST({side}.{duck.name(signal.correlation(number))} AS VARCHAR)" for number, side in enumerate("rp")]
    joined = (
        f"SELECT CAST(r.{duck.name(str(truth))} AS {kind}) AS truth, "
        f"CAST(p.{duck.name(str(prediction))} AS {kind}) AS prediction "
        f"FROM {duck.read_parquet(production.files)} p JOIN {duck.read_parquet(reference.files)} r "
        f"ON {keys[1]} = {keys[0]} {where}"
    )
    present = " AND ".join(f"{side} IS NOT NULL AND {side} <> 'NaN'" for side in ("truth", "prediction"))
    connection.execute(f"CREATE TEMP TABLE joined AS SELECT *, {present} AS complete FROM ({joined})")


def _note_rows(result: Result) -> None:
    joined, complete, needed = result.rows["joined"], result.rows["complete"], max(1, result.signal.minimum_rows)
    if joined < result.rows["production"] and not result.signal.segment:
        late = result.rows["production"] - joined
        text = f"{late:,} of {result.rows['production']:,} predictions have no truth, perhaps not yet, and are left out"
        result.note("warning", "no-truth", text)
    if complete < joined:
        result.note(
            "warning", "missing-values", f"{joined - complete:,} rows miss the prediction or the truth and are left out"
        )
    if complete < needed:
        text = f"{complete:,} predictions have a truth with the same correlation id, and {needed:,} are needed"
        result.note("error", "too-few-rows", text)


def _scores(connection: Any) -> dict[str, float]:
    query = (
        "SELECT CAST(truth AS VARCHAR), CAST(prediction AS VARCHAR), count(*) FROM joined WHERE complete GROUP BY ALL"
    )
    return macro_scores(connection.execute(query).fetchall())


def _errors(connection: Any) -> dict[str, float]:
    off = "TRY_CAST(prediction AS DOUBLE) - TRY_CAST(truth AS DOUBLE)"
    query = f"SELECT avg(abs({off})), avg(({off}) ** 2) FROM joined WHERE complete"
    mae, mse = connection.execute(query).fetchone()
    if mae is None:
        raise NoData("no-number", "predictions or truths are no numbers, which metrics of a regression need")
    return {"mae": mae, "mse": mse, "rmse": mse**0.5}


def _row(task: str, metric: str, value: float, threshold: float) -> Row:
    breached = value < threshold if metric in FROM_BELOW else value > threshold
    row = Row("", task, metric, value, threshold, breached)
    if metric in SCORES:
        row.azure = "Azure alerts when this is above the threshold, and takes that of accuracy for precision too"
    elif metric == "mse":
        row.azure, row.evaluated = "Azure's monitor does not compute this", False
    return row
