"""Recorded runs as they stood before their end."""

import csv
from pathlib import Path


def first_part(path: Path, *, share: float, folder: Path) -> Path:
    """A copy, in the folder, of a recorded run as it stood after that share of its steps."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    kept = [row for row in rows if float(row[0]) <= share * float(rows[-1][0])]
    with (folder / path.name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *kept])
    return folder / path.name
