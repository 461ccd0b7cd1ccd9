"""Where the table in a text file begins, what parts its columns, and what they are called."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunesmith.integrations.logs.table import numbers

_DELIMITERS = ",;\t"
_SPACES = " "


@dataclass(frozen=True, kw_only=True)
class Head:
    """How to read the rest of a file.

    Attributes:
        names: Of the columns: stripped, a name that comes again numbered, and numbers alone where the file has no names.
        delimiter: What parts columns; " " stands for any number of spaces.
        n_lines: Lines before the first row of numbers.
        n_strange: Lines before the names, empty ones not counted.
    """

    names: tuple[str, ...]
    delimiter: str
    n_lines: int
    n_strange: int


def head_of(lines: Sequence[str]) -> Head | None:
    """The head of a file that begins with these lines; None where they are empty.

    The names stand in the first line that has as many cells as the line below it; without one, in the first line that is not empty.

    Example:
        >>> head_of(["# made by me", "epoch;loss", "0;2,5", "1;1,5"])
        Head(names=('epoch', 'loss'), delimiter=';', n_lines=2, n_strange=1)
        >>> head_of(["0,2.5", "1,1.5"]).names
        ('column 1', 'column 2')
    """
    filled = [(at, line) for at, line in enumerate(lines) if line.strip() and not line.startswith("sep=")]  # a word to Excel
    if not filled:
        return None
    place, delimiter = _table(filled) or _spaced_table(filled) or (0, max(_DELIMITERS, key=filled[0][1].count))
    cells = _cells(filled[place][1], delimiter)
    if not _is_numbers(cells):
        return Head(names=_names(cells), delimiter=delimiter, n_lines=filled[place][0] + 1, n_strange=place)
    above = _names_above(filled, place, delimiter)
    if above is not None:  # they are more or fewer than the cells
        return Head(names=_names(_cells(filled[above][1], delimiter)), delimiter=delimiter, n_lines=filled[above][0] + 1, n_strange=above)
    return Head(names=_names([""] * len(cells)), delimiter=delimiter, n_lines=filled[place][0], n_strange=place)


def _names_above(filled: Sequence[tuple[int, str]], place: int, delimiter: str) -> int | None:
    """Where the names stand above a row of numbers: in the last line of the same table that is no numbers itself."""
    for above in range(place - 1, -1, -1):
        line = filled[above][1]
        if delimiter not in line:
            return None
        if not _is_numbers(_cells(line, delimiter)):
            return above
    return None


def _table(filled: Sequence[tuple[int, str]]) -> tuple[int, str] | None:
    for place, ((_, line), (_, below)) in enumerate(pairwise(filled)):
        delimiter = max(_DELIMITERS, key=line.count)
        is_remark = line.startswith("#") and below.startswith("#")
        if delimiter in line and not is_remark and len(_cells(line, delimiter)) == len(_cells(below, delimiter)):
            return place, delimiter
    return None


def _spaced_table(filled: Sequence[tuple[int, str]]) -> tuple[int, str] | None:
    """Columns parted by spaces, only where the line below the names is numbers and nothing else: prose is no table."""
    for place, ((_, line), (_, below)) in enumerate(pairwise(filled)):
        names, cells = line.lstrip("# ").split(), below.split()
        if len(names) == len(cells) > 1 and _is_numbers(cells) and not _is_numbers(names):
            return place, _SPACES
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.strip("\r\n").lstrip("# ")], delimiter=delimiter, skipinitialspace=delimiter == _SPACES), [])


def _is_numbers(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and numbers(filled).value.size == len(filled)


def _names(cells: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    for at, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column {at}"
        names.append(f"{name} ({at})" if name in names else name)
    return tuple(names)
