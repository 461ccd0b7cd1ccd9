"""CSV of any tool: Lightning's and Keras's loggers, the trackers' exports, and what people write themselves."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice, zip_longest
from pathlib import Path

from tunesmith.errors import CurveError
from tunesmith.integrations.logs.csv_head import head_of
from tunesmith.integrations.logs.names import plain
from tunesmith.integrations.logs.table import Collector, Table
from tunesmith.integrations.logs.wandb_csv import is_wandb_export, runs_of_export

_PIECE_ROWS = 500
"""Few enough to stay in the processor's caches: with 20,000 it takes twice as long."""
_HEAD_LINES = 100
"""The table begins within so many (our choice)."""


def read_csv(path: Path, *, encoding: str = "utf-8-sig") -> list[Table]:
    """The log in a CSV file; several where Weights & Biases exported several runs.

    Columns are separated by commas, semicolons, tabs or spaces, and named in a row above them; lines above that are left out.
    Rows without any number are counted and otherwise left alone. A row that repeats the header begins another part of the log.

    Raises:
        CurveError: The file cannot be read as text, or has no rows, or no numbers.
    """
    try:
        return _read(path, encoding=encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise _no_text(path, error) from error
    said = f"{path.name} is not UTF-8 and was read as Latin-1: letters beyond ASCII in the names of columns may be wrong, numbers are not."
    return [replace(table, notes=(said, *table.notes)) for table in _read(path, encoding="latin-1")]  # which knows every byte


def _no_text(path: Path, error: Exception) -> CurveError:
    return CurveError(f"A log must be a readable text file or an event file, and {path} is not ({_words(error)}). Pass another.")


def _read(path: Path, *, encoding: str) -> list[Table]:
    try:
        with path.open(newline="", encoding=encoding) as file:
            lines = list(islice(file, _HEAD_LINES))
            head = head_of(lines)
            if head is None:
                raise CurveError(f"A log must hold rows of numbers, and {path} is empty. Pass another file.")
            body = chain(lines[head.n_lines :], file)
            rows = csv.reader(body, delimiter=head.delimiter, skipinitialspace=head.delimiter == " ")
            table = _table(rows, list(head.names), name=path.name)
    except UnicodeDecodeError:
        raise
    except (OSError, UnicodeError, csv.Error) as error:
        raise _no_text(path, error) from error
    if not any(cells.value.size for cells in table.cells.values()):
        first = next(line.strip() for line in lines if line.strip())
        raise CurveError(f"A log must have columns of numbers, and {path} has none (its first line is {first[:60]!r}). Pass the log of a training.")
    if head.n_strange:
        count = f"{head.n_strange} lines" if head.n_strange > 1 else "A line"
        table = replace(table, notes=(f"{count} above the names of the columns {'are' if head.n_strange > 1 else 'is'} left out.", *table.notes))
    if is_of_one_tag(head.names):
        return [_of_one_tag(table, path)]
    return runs_of_export(table) if is_wandb_export(head.names) else [table]


def is_of_one_tag(names: Sequence[str]) -> bool:
    """Whether the file holds one quantity, and only its own name can say which.

    Example:
        >>> is_of_one_tag(["Wall time", "Step", "Value"]), is_of_one_tag(["step", "value"]), is_of_one_tag(["step", "loss"])
        (True, True, False)
    """
    known = set(map(plain, names))
    return {"step", "value"} <= known <= {"wall_time", "timestamp", "relative", "step", "value"}


def _table(rows: Iterator[list[str]], header: list[str], *, name: str) -> Table:
    collector, n_odd = Collector(), 0
    breaks: list[int] = []
    notes: list[str] = []
    while piece := list(islice(rows, _PIECE_ROWS)):
        columns = list(zip(*piece, strict=False))
        if set(map(len, piece)) != {len(header)} or header[0] in columns[0]:
            piece, starts = _without_headers(piece, header)
            breaks += [collector.n_rows + start for start in starts]
            n_odd += sum(len(row) != len(header) for row in piece)
            columns = list(zip_longest(*piece, fillvalue=""))[: len(header)]
            columns += [("",) * len(piece)] * (len(header) - len(columns))
        collector.add(zip(header, columns, strict=True), n_rows=len(piece))
    if n_odd:
        notes.append(f"{n_odd} of {collector.n_rows} rows have more or fewer cells than the header; what fits is read.")
    return Table(
        name=name, source=_source(header), n_rows=collector.n_rows, cells=collector.cells(), labels=collector.labels(), breaks=tuple(breaks), notes=tuple(notes)
    )  # fmt: skip


def _without_headers(rows: list[list[str]], header: list[str]) -> tuple[list[list[str]], list[int]]:
    """Rows without empty ones and without the header where it comes again, and before which of them it came."""
    kept: list[list[str]] = []
    starts: list[int] = []
    for row in rows:
        if row and row[0].strip() == header[0] and [cell.strip() for cell in row] == header:
            starts.append(len(kept))
        elif row:
            kept.append(row)
    return kept, starts


def _source(header: list[str]) -> str:
    if any(re.fullmatch(r"lr-\w+(/pg\d+)?(-\w+)?|\w+_(step|epoch)", name) for name in header) and {"step", "epoch"} <= set(header):
        return "Lightning CSVLogger"
    return "Weights & Biases" if is_wandb_export(header) else "CSV"


def _of_one_tag(table: Table, path: Path) -> Table:
    """What TensorBoard's page saves: one tag a file, its name in the file's (run-RUN-tag-TAG.csv)."""
    by_name = {plain(name): name for name in table.cells}
    source = "TensorBoard page" if "wall_time" in by_name else table.source
    return replace(table, source=source, cells={tag_of(path): table.cells[by_name["value"]], by_name["step"]: table.cells[by_name["step"]]})


def tag_of(path: Path) -> str:
    """The quantity that a file of one holds, by its name."""
    return path.stem.rpartition("-tag-")[2]


def _words(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error).partition("\n")[0][:120]
