"""TensorBoard's event files, decoded by the library that writes them (`pip install 'tunesmith[tensorboard]'`)."""

import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from tunesmith.errors import CurveError, InputError
from tunesmith.integrations.logs.names import Split, parse, plain
from tunesmith.integrations.logs.table import Cells, Table

MARK = "tfevents"
_LENGTH = struct.Struct("<Q")
_HEAD, _TAIL = 12, 4
"""Bytes around a record: its length with a checksum, and a checksum."""
_PACKED = {1: struct.Struct("<f"), 2: struct.Struct("<d"), 3: struct.Struct("<i"), 9: struct.Struct("<q")}
"""Type of a tensor → how one number of it is packed."""
_LARGEST_RECORD = 1 << 30


class _Dim(Protocol):
    size: int


class _Shape(Protocol):
    dim: Sequence[_Dim]


class _Tensor(Protocol):
    dtype: int
    tensor_shape: _Shape
    tensor_content: bytes
    float_val: Sequence[float]
    double_val: Sequence[float]
    int_val: Sequence[int]
    int64_val: Sequence[int]


class _Value(Protocol):
    """A tagged value as the library has it, as far as it is needed here."""

    tag: str
    simple_value: float
    tensor: _Tensor

    def HasField(self, name: str, /) -> bool:  # noqa: N802 (the library's name)
        """Whether a value is of this kind."""


class _Summary(Protocol):
    value: Sequence[_Value]


class _Event(Protocol):
    step: int
    wall_time: float
    summary: _Summary


@dataclass(frozen=True, kw_only=True)
class _Tag:
    row: "array[int]" = field(default_factory=lambda: array("q"))
    value: "array[float]" = field(default_factory=lambda: array("d"))


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What the event files of one folder hold: a row an event. Its lists grow while they are read."""

    step: "array[int]" = field(default_factory=lambda: array("q"))
    time: "array[float]" = field(default_factory=lambda: array("d"))
    tags: dict[str, _Tag] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, event: _Event, values: Iterable[_Value]) -> None:
        """A row, if the event holds scalars."""
        row = len(self.step)
        has_scalar = False
        for value in values:
            number = value.simple_value if value.HasField("simple_value") else _of_tensor(value) if value.HasField("tensor") else None
            if number is not None:
                cells = self.tags.get(value.tag) or self.tags.setdefault(value.tag, _Tag())
                cells.row.append(row)
                cells.value.append(number)
                has_scalar = True
        if has_scalar:
            self.step.append(event.step)
            self.time.append(event.wall_time)

    def take_in(self, other: "_Run", *, part: str) -> None:
        """The rows of a part of this run, whose tags get its name in front."""
        for tag, cells in other.tags.items():
            mine = self.tags.setdefault(f"{part}/{tag}" if part else tag, _Tag())
            mine.row.extend(row + len(self.step) for row in cells.row)
            mine.value.extend(cells.value)
        self.step.extend(other.step)
        self.time.extend(other.time)
        self.notes.extend(other.notes)


def event_files_in(folder: Path) -> list[Path]:
    """The event files in a folder and the folders in it; a file's name begins with the time at which it was begun."""
    return sorted(path for path in folder.rglob(f"*{MARK}*") if path.is_file())


def read_event_files(files: list[Path], *, root: Path) -> list[Table]:
    """One table for each folder that holds event files.

    A folder called `train`, `validation` or the like is a part of the run around it (so Keras writes), as is one that `add_scalars` made. Checksums are not
    compared, which would take five times as long: a record that does not decode, or is cut off, ends its file with a note.

    Args:
        files: Event files.
        root: The folder they were found in, or the only file.

    Raises:
        InputError: The extra `tensorboard` is not installed.
        CurveError: A file cannot be opened, or none of them holds a scalar.
    """
    decode, damaged = _decoder(root)
    runs: dict[Path, _Run] = {}
    for path in files:
        run = runs.setdefault(path.parent, _Run())
        try:
            with path.open("rb") as file:
                run.notes.extend(_read_file(file, run, decode=decode, damaged=damaged, name=path.name))
        except OSError as error:
            raise CurveError(f"An event file must be readable, and {path} is not ({error.strerror}). Pass another.") from error
    top = root if root.is_dir() else root.parent
    tables = [_table(run, name=_name(folder, root)) for folder, run in _joined(runs, top=top).items() if run.tags]
    if not tables:
        why = " ".join(note for run in runs.values() for note in run.notes)
        raise CurveError(f"An event file must hold scalars, and {root} has none. {why or 'Log losses with add_scalar, or pass another folder.'}")
    return tables


def _decoder(root: Path) -> tuple[Callable[[bytes], _Event], type[Exception]]:
    """What makes an event of bytes, and what it raises when they are damaged."""
    try:
        decode: Callable[[bytes], _Event] = import_module("tensorboard.compat.proto.event_pb2").Event.FromString
        damaged: type[Exception] = import_module("google.protobuf.message").DecodeError
    except ImportError as error:
        raise InputError(
            f"TensorBoard must be installed to read its event files, and it is not: {root} is left unread. Run pip install 'tunesmith[tensorboard]', or "
            "export the log as CSV."
        ) from error
    return decode, damaged


def _read_file(file: BinaryIO, run: _Run, *, decode: Callable[[bytes], _Event], damaged: type[Exception], name: str) -> list[str]:
    """Add a file's events to a run, as far as they can be read; sentences about what could not."""
    n_read, unpack, read, add = 0, _LENGTH.unpack_from, file.read, run.add
    head = read(_HEAD)
    while len(head) == _HEAD:
        (length,) = unpack(head)
        body = read(length + _TAIL + _HEAD) if length <= _LARGEST_RECORD else b""  # with the head of the next record: one call for both
        if len(body) < length + _TAIL:
            return [f"{name} is cut off or damaged after {n_read} records; those are read."]
        try:
            event = decode(body[:length])
        except damaged:
            return [f"{name} is damaged after {n_read} records; those are read."]
        n_read += 1
        head = body[length + _TAIL :]
        values = event.summary.value
        if values:
            add(event, values)
    return [f"{name} is cut off after {n_read} records; those are read."] if head else []


def _of_tensor(value: _Value) -> float | None:
    """The number in a tensor that holds one, as TensorFlow 2 and Keras write scalars; None for any other."""
    tensor = value.tensor
    if any(dim.size != 1 for dim in tensor.tensor_shape.dim):
        return None
    for numbers in (tensor.float_val, tensor.double_val, tensor.int_val, tensor.int64_val):
        if len(numbers) == 1:
            return float(numbers[0])
    packed = _PACKED.get(tensor.dtype)
    return float(packed.unpack(tensor.tensor_content)[0]) if packed and len(tensor.tensor_content) == packed.size else None


def _joined(runs: dict[Path, _Run], *, top: Path) -> dict[Path, _Run]:
    """Runs with their parts taken in."""
    joined: dict[Path, _Run] = {}
    for folder in sorted(runs):
        part = _part(folder, runs[folder]) if folder != top else None
        if part is None:
            joined.setdefault(folder, _Run()).take_in(runs[folder], part="")
        else:
            joined.setdefault(folder.parent, _Run()).take_in(runs[folder], part=part)
    return joined


def _part(folder: Path, run: _Run) -> str | None:
    """Which part of the run around it a folder is; None where it is a run of its own."""
    word = plain(folder.name).rpartition("_")[2]
    if parse(word).split is Split.UNSAID:
        return None
    is_of_add_scalars = run.tags and all(plain(folder.name) == f"{plain(tag)}_{word}" for tag in run.tags)
    return word if plain(folder.name) == word or is_of_add_scalars else None


def _name(folder: Path, root: Path) -> str:
    return root.name if folder == root or root.is_file() else f"{root.name}/{folder.relative_to(root)}"


def _table(run: _Run, *, name: str) -> Table:
    """Rows in the order in which they were written, by the clock of whoever wrote them."""
    steps, times = np.array(run.step, dtype=np.float64), np.array(run.time, dtype=np.float64)
    place = np.empty(steps.size, dtype=np.int64)
    order = np.argsort(times, kind="stable")
    place[order] = np.arange(steps.size)
    cells = {}
    for tag, tagged in run.tags.items():
        rows = place[np.array(tagged.row, dtype=np.int64)]
        by_row = np.argsort(rows, kind="stable")
        cells[tag] = Cells(row=rows[by_row], value=np.array(tagged.value, dtype=np.float64)[by_row])
    return Table(name=name, source="TensorBoard", n_rows=steps.size, cells=cells, steps=steps[order], notes=tuple(run.notes))
