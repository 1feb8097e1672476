"""The gate's metric by slice, of versions that were judged on the same month: others can't be compared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripts.looking.comparison import Version
from scripts.looking.judging import Judging

Slices = dict[str, tuple[int, float]]  # value of the slice column -> (rows, the gate's metric)


@dataclass(frozen=True)
class SliceComparison:
    """Versions by slice.

    Args:
        test_month: on which the newest version was judged, and all others here.
        before: version that was the champion then, judged on the very rows on which the newest one was; None if there
            was none or it could not be judged.
        versions: version -> its metric by slice, newest first.
    """

    test_month: str
    before: int | None
    versions: dict[int, Slices]


def compare_slices(
    versions: list[Version], evaluation_of: Callable[[str], dict[str, Any] | None], judging: Judging
) -> SliceComparison | None:
    """The newest version beside the champion of its time and older versions of the same test month.

    Args:
        versions: newest first.
        evaluation_of: id of the run that judged -> what it wrote into evaluation.json; None if it wrote nothing.
        judging: tells the metric and the slice column.

    Returns:
        None if the newest version's evaluation is not there or has no slices.
    """
    evaluations = {one.number: evaluation_of(one.judged) for one in versions if one.judged}
    newest = evaluations.get(versions[0].number) if versions else None
    if not newest:
        return None
    month, champion = newest["test_month"], newest["champion"] or {}
    found = {
        number: slices_of(evaluation["candidate"], judging)
        for number, evaluation in evaluations.items()
        if evaluation and evaluation["test_month"] == month
    }
    if not found[versions[0].number]:
        return None
    of_champion = slices_of(champion, judging)
    before = int(champion["version"]) if of_champion else None
    if before is not None:
        found[before] = of_champion  # and not what it had on the rows of its own evaluation, even if of this month
    return SliceComparison(month, before, {number: found[number] for number in sorted(found, reverse=True)})


def slices_of(judged: dict[str, Any], judging: Judging) -> Slices:
    """The gate's metric by slice of a model in an evaluation; empty if it could not be judged."""
    rows = judged.get("slices", {}).get(judging.slices, {})
    return {name: (row["rows"], row[judging.metric]) for name, row in rows.items()}
