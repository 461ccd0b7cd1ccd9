"""What a study's store takes for a point of a curve: bytes, and microseconds to write and to read back.

A point is an update: run, step, learning rate, momentum, training loss. Every run is stored by `Study.add` in a transaction of its own that reaches the disk,
as the product does. Beside it the same rows by a bare `executemany` into a table of the same columns, also a transaction a run, write-ahead log and full
synchronisation; and, as a lower bound, the three columns of numbers in one uncompressed .npz, synchronised once. All in one temporary folder, taking turns;
reading makes of the rows what the study makes, tuples of floats, except from .npz, which gives arrays.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.speed.row import Row, ratios
from benchmarks.speed.studies import CHOSEN, DESCRIPTION, made_up_run
from benchmarks.speed.turns import Seconds, cpu, take_turns, timed, wall
from tunesmith.curve import Run
from tunesmith.settings import RunSpec
from tunesmith.study import Study

STUDY, SQLITE, NPZ = "Study", "bare sqlite3", "one .npz"
COLUMNS = ("lr", "momentum", "train_loss")
TABLE = "CREATE TABLE point(run INTEGER NOT NULL, step INTEGER NOT NULL, lr REAL, momentum REAL, train_loss REAL, PRIMARY KEY(run, step)) WITHOUT ROWID"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: turns, runs of a study, points of a run."""

    turns: int
    runs: int
    points: int


FULL = Sizes(turns=7, runs=1000, points=1000)
QUICK = Sizes(turns=3, runs=100, points=1000)


def measure(sizes: Sizes) -> list[Row]:
    """Writing, size and reading of all three."""
    runs = [made_up_run(RunSpec(settings=CHOSEN, total_steps=sizes.points, seed=seed)) for seed in range(sizes.runs)]
    n_points, rows = sizes.runs * sizes.points, []
    with tempfile.TemporaryDirectory() as folder:
        files = {STUDY: Path(folder) / "study" / "study.sqlite", SQLITE: Path(folder) / "bare.sqlite", NPZ: Path(folder) / "points.npz"}
        writers, readers = {STUDY: _write_study, SQLITE: _write_sqlite, NPZ: _write_npz}, {STUDY: _read_study, SQLITE: _read_sqlite, NPZ: _read_npz}
        written = take_turns({name: _writing(writers[name], files[name], runs) for name in files}, turns=sizes.turns, warm_ups=1)
        length = f"{sizes.runs:,} runs of {sizes.points:,} points"
        rows += [Row(subject=f"{name}: size", unit="bytes a point", samples=(file.stat().st_size / n_points,), note=length) for name, file in files.items()]
        rows += _rows("written", written, n_points)
        rows += _rows("read back", take_turns({name: _reading(readers[name], files[name]) for name in files}, turns=sizes.turns), n_points)
    return rows


def _rows(what: str, found: dict[str, list[Seconds]], n_points: int) -> list[Row]:
    rows = []
    for unit, of in (("CPU", cpu), ("wall", wall)):
        rows += [Row(subject=f"{name}: {what}", unit=f"{unit} us a point", samples=tuple(1e6 * one / n_points for one in of(found[name]))) for name in found]
        rows += [Row(subject=f"{STUDY} / {name}: {what}", unit=f"{unit} ratio", samples=ratios(of(found[STUDY]), of(found[name]))) for name in (SQLITE, NPZ)]
    return rows


def _writing(write: Callable[[Path, Sequence[Run]], None], file: Path, runs: Sequence[Run]) -> Callable[[int], Seconds]:
    def contender(_turn: int) -> Seconds:
        file.unlink(missing_ok=True)
        return timed(lambda: write(file, runs))

    return contender


def _reading(read: Callable[[Path], object], file: Path) -> Callable[[int], Seconds]:
    return lambda _turn: timed(lambda: read(file))


def _write_study(file: Path, runs: Sequence[Run]) -> None:
    with Study.create(file.parent, fingerprint="made up", description=DESCRIPTION) as study:
        for run in runs:
            study.add(run, purpose="search")


def _read_study(file: Path) -> object:
    with Study.open(file.parent) as study:
        return study.runs()


def _write_sqlite(file: Path, runs: Sequence[Run]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute(TABLE)
        for position, run in enumerate(runs):
            steps = range(len(run.curve.lr))
            connection.execute("BEGIN IMMEDIATE")
            points = zip((position,) * len(steps), steps, run.curve.lr, run.curve.momentum, run.curve.train_loss, strict=True)
            connection.executemany("INSERT INTO point VALUES (?, ?, ?, ?, ?)", points)
            connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()


def _read_sqlite(file: Path) -> object:
    with closing(sqlite3.connect(file)) as connection:
        positions = [position for (position,) in connection.execute("SELECT DISTINCT run FROM point").fetchall()]
        select = "SELECT lr, momentum, train_loss FROM point WHERE run = ? ORDER BY step"
        return [tuple(zip(*connection.execute(select, (position,)).fetchall(), strict=True)) for position in positions]


def _write_npz(file: Path, runs: Sequence[Run]) -> None:
    with file.open("wb") as opened:
        np.savez(opened, **{name: np.array([getattr(run.curve, name) for run in runs]) for name in COLUMNS})
        opened.flush()
        os.fsync(opened.fileno())


def _read_npz(file: Path) -> object:
    with np.load(file) as columns:
        return [columns[name] for name in COLUMNS]
