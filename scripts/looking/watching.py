"""What was sent and what the monitor has found last, as `make send` and `make monitor` left it in build/<env>/."""

from scripts.looking.table import shown, table
from scripts.looking.workspace import Document

WORST = 5  # rows of the table


def sent_lines(sent: Document | None) -> list[str]:
    """What `make send` sent last, as lines for a terminal."""
    if sent is None:
        return []
    return ["", f"Production: {sent['rows']:,} flights of {sent['months']} scored by {sent['endpoint']}"]


def monitor_lines(monitor: Document | None) -> list[str]:
    """The last run of the monitor as lines for a terminal: the verdict and the worst figures."""
    if monitor is None:
        return []
    rows = [(signal["signal"], row) for signal in monitor["signals"] for row in signal["features"]]
    breached = [(signal, row) for signal, row in rows if row["breached"]]
    lines = ["", f"Monitor: {monitor['verdict']}, {len(breached)} of {len(rows)} figures are beyond their thresholds"]
    worst = sorted(breached, key=lambda item: -abs(item[1]["value"] - item[1]["threshold"]))[:WORST]
    cells = [[name, row["feature"], row["metric"], shown(row["value"]), shown(row["threshold"])] for name, row in worst]
    if cells:
        lines += table(["signal", "feature", "metric", "value", "threshold"], cells)
    if left := len(breached) - len(worst):
        lines.append(f"  and {left} more")
    return [*lines, f"  report: {monitor['page']}"]
