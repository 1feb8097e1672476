"""How the golden files have `az` lines: without what is another one in each run or each commit."""

import re

READING = {"show", "list", "download", "get-credentials"}  # these may come in any order


def golden(line: list[str]) -> str:
    """A line as the golden files have it: without what is another one in each run or each commit."""
    text = " ".join(f"'{part}'" if " " in part else part for part in ["az", *line])
    text = re.sub(r"(?<=version )[0-9a-f]{12}\b", "<hash>", text)
    text = re.sub(r"(?<=--download-path )/\S+", "<folder>", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]+", "<time>", text)
    text = re.sub(r"(release_\w+=)[0-9a-f]{32,}", r"\1<digest>", text)
    return re.sub(r"(serving_\w+=\S+ )[0-9a-f]{12}", r"\1<hash>", text)


def in_some_order(lines: list[str]) -> list[str]:
    """Lines that only read, next to each other, sorted and each once: scripts ask several things at once."""
    ordered: list[str] = []
    reading: set[str] = set()
    for line in lines:
        if line.split()[3] in READING:
            reading.add(line)
            continue
        ordered += [*sorted(reading), line]
        reading = set()
    return [*ordered, *sorted(reading)]
