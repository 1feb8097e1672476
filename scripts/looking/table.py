"""Tables for a terminal."""

from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], indent: int = 2) -> list[str]:
    """Lines of a table: columns two spaces apart, those of numbers to the right, no blanks at line ends.

    Args:
        headings: of the columns.
        rows: as many cells each as there are headings.
        indent: blanks before each line.
    """
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numbers = [all(map(_is_number, column[1:])) and any(column[1:]) for column in columns]
    lines = []
    for row in (headings, *rows):
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ]
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return lines


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").removesuffix(" s"))
    except ValueError:
        return text in ("", MISSING)
    return True


MISSING = "-"  # stands for a value that is not there


def shown(value: object) -> str:
    """A value as people read it: four significant digits, `-` for none."""
    if value is None:
        return MISSING
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def shown_parameter(text: str | None) -> str:
    """A parameter, which MLflow keeps as text: a long fraction cut to four significant digits."""
    if text is not None and "." in text:
        try:
            return f"{float(text):.4g}"
        except ValueError:
            return text
    return shown(text)


def duration(seconds: float | None) -> str:
    """Seconds as `3.2 s` up to a minute, then as `13 min 48 s` or `2 h 05 min`."""
    if seconds is None:
        return MISSING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
