"""JSON: Hugging Face's `trainer_state.json`, Keras's history, Weights & Biases' history, and rows or columns of any origin."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

from tunesmith.errors import CurveError
from tunesmith.integrations.logs.columns import constant_lr, table_of
from tunesmith.integrations.logs.csv_file import tag_of
from tunesmith.integrations.logs.json_stream import JsonReader
from tunesmith.integrations.logs.names import Split, is_axis, parse
from tunesmith.integrations.logs.rows import collect_rows, table_of_collected, table_of_rows
from tunesmith.integrations.logs.table import Cells, Collector, Table, joined

_PIECE_LINES = 500
"""Few enough to stay in the processor's caches."""
_LONGEST_ROW = 1 << 20
"""Letters of a line; a longer one is a whole file."""
_TAG_CELLS = 3
_TOO_MANY_DIGITS = "int_max_str_digits"
"""What Python's own sentence on such a number advises; it has no other mark."""
_DEEPEST = 3
_SETTINGS = frozenset({"args", "config", "params", "hparams", "hyperparameters", "settings", "options"})
_WHOLE = ""
"""Stands for the key of a file that has none."""


def read_json(path: Path, *, encoding: str = "utf-8-sig") -> list[Table]:
    """The log in a JSON file: an object of columns, a list of rows, a line for each row, or a `log_history` as Hugging Face's Trainer writes it.

    Of a file that ends too early, what stands before is read.

    Raises:
        CurveError: The file is no JSON, or JSON of another form.
    """
    try:
        with path.open(encoding=encoding) as file:
            first = next((line for line in iter(partial(file.readline, _LONGEST_ROW), "") if line.strip()), "")
            has_more = any(line.strip() for line in iter(partial(file.readline, _LONGEST_ROW), ""))
        if has_more and _is_row(first):
            return [_of_lines(path, encoding=encoding)]
        with path.open(encoding=encoding) as file:
            content, why = _content(JsonReader(file))
    except (OSError, ValueError, RecursionError) as error:
        raise _no_json(path, error) from error
    try:
        table = _of_content(content, path)
    except CurveError as error:
        if why is None:
            raise
        raise _no_json(path, why) from error
    if not why:
        return [table]
    return [replace(table, notes=(f"{path.name} is cut off or damaged ({_words(why)}); what stands before is read.", *table.notes))]


def _no_json(path: Path, why: Exception) -> CurveError:
    return CurveError(f"A log that begins like JSON must be JSON to its end, and {path} is not ({_words(why)}). Write it anew, or as CSV.")


def _content(reader: JsonReader) -> tuple[object, ValueError | None]:
    """What a file holds, rows as a `Collector`; and what is wrong with its end."""
    content: dict[str, object] = {}
    try:
        if reader.peek() == "[":
            _take(reader, content, _WHOLE)
        elif reader.peek() == "{":
            for key in reader.fields():
                _take(reader, content, key)
        else:
            content[_WHOLE] = reader.value()
        if reader.peek():
            raise ValueError("more follows its end")  # noqa: TRY301 (as any other damage)
    except ValueError as error:
        if not content or isinstance(error, UnicodeError):
            raise
        return content.get(_WHOLE, content), error
    return content.get(_WHOLE, content), None


def _take(reader: JsonReader, content: dict[str, object], key: str) -> None:
    """The next value under its key: rows at once, so that those before a damage are there; any other when it is whole."""
    if reader.peek() != "[":
        content[key] = reader.value()
        return
    items: list[object] = []
    rows = Collector()
    for piece in reader.items():
        objects = [row for row in piece if isinstance(row, dict)]
        if objects:
            content[key] = rows
            collect_rows(rows, objects)
        elif not rows.n_rows:
            items += piece
    content.setdefault(key, items)


def _of_content(content: object, path: Path) -> Table:
    name = path.name
    if isinstance(content, Collector):
        return table_of_collected(content, name=name, source="JSON")
    if isinstance(content, list) and content and all(isinstance(item, list) and len(item) == _TAG_CELLS for item in content):
        return _of_tag(content, path)
    if isinstance(content, dict):
        if "log_history" in content:
            return _of_trainer_state(cast("Mapping[str, object]", content), name=name)
        parts = {key: value for key, value in content.items() if isinstance(value, Collector)}
        if _are_numbered_rows(content):
            return table_of_rows([{"epoch": key, **row} for key, row in content.items()], name=name, source="JSON")
        inner = content.get("history")
        columns = inner if isinstance(inner, dict) else content
        lists = dict(_lists(columns))
        lists |= constant_lr(columns, n_rows=max(map(len, lists.values()), default=0))
        if parts and not any(len(column) > 1 for column in lists.values()):
            return _of_parts(parts, name=name)
        if lists:
            is_keras = "loss" in lists and lists.keys() == columns.keys() and not any(map(is_axis, set(lists) - {"learning_rate", "lr"}))
            return table_of(lists, name=name, source="Keras history" if is_keras else "JSON", are_rows_epochs=is_keras)
    raise CurveError(f"A JSON log must be columns of numbers, rows, or a trainer_state.json, and {name} is none of them. Pass the log of a training.")


def _of_tag(content: list[list[object]], path: Path) -> Table:
    """What TensorBoard's page saves as JSON: time, step and value of one tag, its name in the file's."""
    _, steps, values = zip(*content, strict=True)
    return table_of({"step": steps, tag_of(path): values}, name=path.name, source="TensorBoard page")


def _are_numbered_rows(content: Mapping[str, object]) -> bool:
    """Whether it is {"0": {"loss": 2.3}, "1": …}, a row for each epoch."""
    return bool(content) and all(key.isdecimal() and isinstance(row, dict) for key, row in content.items())


def _lists(columns: Mapping[str, object], *, before: str = "") -> Iterator[tuple[str, Sequence[object]]]:
    """The columns in an object; {"train": {"loss": […]}} has the column "train/loss"."""
    for key, value in columns.items():
        if isinstance(value, list):
            yield before + str(key), value
        elif isinstance(value, dict) and value and all(str(inner).isdecimal() for inner in value):
            yield before + str(key), list(value.values())  # pandas writes {"loss": {"0": 2.3, …}}
        elif isinstance(value, dict) and key not in _SETTINGS and before.count("/") < _DEEPEST:
            yield from _lists(value, before=f"{before}{key}/")


def _of_parts(parts: Mapping[str, Collector], *, name: str) -> Table:
    """Lists of rows under keys, such as "train" and "val": one below the other."""
    tables = {key: table_of_collected(rows, name=name, source="JSON") for key, rows in parts.items()}
    splits = {key: table for key, table in tables.items() if parse(key).split is not Split.UNSAID}
    if not splits:
        return max(tables.values(), key=lambda table: table.n_rows)
    pieces: dict[str, list[Cells]] = {}
    n_rows = 0
    for key, table in splits.items():
        for column, cells in table.cells.items():
            called = column if is_axis(column) or parse(column).split is not Split.UNSAID else f"{key}/{column}"
            pieces.setdefault(called, []).append(replace(cells, row=cells.row + n_rows, bad_row=cells.bad_row + n_rows))
        n_rows += table.n_rows
    return Table(name=name, source="JSON", n_rows=n_rows, cells={column: joined(one) for column, one in pieces.items()})


def _of_trainer_state(state: Mapping[str, object], *, name: str) -> Table:
    """What Hugging Face's Trainer keeps."""
    rows, total = state["log_history"], state.get("max_steps")
    if not isinstance(rows, Collector) or not rows.n_rows:
        raise CurveError(f"A trainer_state.json must have entries in log_history, and {name} has none. Pass one of a training with logging_steps.")
    return table_of_collected(rows, name=name, source="Hugging Face Trainer", total_steps=total if isinstance(total, int) and total > 0 else None)


def _is_row(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _of_lines(path: Path, *, encoding: str) -> Table:
    collector, n_bad = Collector(), 0
    with path.open(encoding=encoding) as file:
        while lines := list(islice(file, _PIECE_LINES)):
            rows = list(_rows(lines))
            n_bad += sum(row is None for row in rows)
            collect_rows(collector, [row for row in rows if row])
    notes = (f"{n_bad} of {collector.n_rows + n_bad} lines are no JSON object and left out.",) if n_bad else ()
    return Table(name=path.name, source="JSON lines", n_rows=collector.n_rows, cells=collector.cells(), labels=collector.labels(), notes=notes)


def _rows(lines: list[str]) -> Iterator[dict[str, object] | None]:
    try:
        content = json.loads("[" + ",".join(line for line in lines if line.strip()) + "]")  # one call for many lines takes half the time
        yield from (row if isinstance(row, dict) else None for row in content)
    except (ValueError, RecursionError):
        for line in lines:
            if line.strip():
                yield _row(line)


def _row(line: str) -> dict[str, object] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _words(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    said = str(error)
    return "a whole number in it has thousands of digits" if _TOO_MANY_DIGITS in said else said.partition("\n")[0][:120]
