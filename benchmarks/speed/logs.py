"""What reading a log of a million rows takes: CSV, JSON of four forms, and event files where tensorboard is installed.

Each read is a process of its own, which times itself and says its peak of memory: wall and CPU seconds of `read_log` without imports. The logs are made up: a
step, a learning rate, two losses and an epoch; in an event file, which has a record for each number, the training loss alone.
"""

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.speed.row import Row

_READ = """
import json, sys, time
from tunesmith.integrations.logs import read_log
start = time.perf_counter(), time.process_time()
logs = read_log(sys.argv[1])
took = time.perf_counter() - start[0], time.process_time() - start[1]
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([*took, 1024 * int(peak.split()[1])]))
"""
_EVENTS = "events.out.tfevents.0"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: turns, rows of a log."""

    turns: int
    rows: int


FULL = Sizes(turns=5, rows=1_000_000)
QUICK = Sizes(turns=2, rows=100_000)


def measure(sizes: Sizes) -> list[Row]:
    """Seconds and memory of each format; formats take turns."""
    with tempfile.TemporaryDirectory() as name:
        logs = {
            f"{what}, {sizes.rows:,} rows": _written(Path(name) / file, write, rows=sizes.rows)
            for what, file, write in _FORMATS
            if file != _EVENTS or find_spec("tensorboard")
        }
        found: dict[str, list[list[float]]] = {subject: [] for subject in logs}
        for _ in range(sizes.turns):
            for subject, path in logs.items():
                found[subject].append(_read(path))
        return [
            Row(subject=subject, unit=unit, samples=tuple(sample[at] / scale for sample in samples), note=f"{logs[subject].stat().st_size / 1e6:.0f} MB")
            for subject, samples in found.items()
            for at, unit, scale in ((0, "wall s", 1.0), (1, "CPU s", 1.0), (2, "peak MB", 1e6))
        ]


def _read(path: Path) -> list[float]:
    done = subprocess.run([sys.executable, "-c", _READ, str(path)], check=True, capture_output=True, text=True)  # noqa: S603 (our own command)
    found: list[float] = json.loads(done.stdout)
    return found


def _written(path: Path, write: "Callable[[Path, list[dict[str, float]]], None]", *, rows: int) -> Path:
    loss = 1 + np.random.default_rng(0).normal(size=rows) / 10
    write(
        path, [{"step": i, "learning_rate": 0.1 * (1 - i / rows), "loss": one, "eval_loss": 2 * one, "epoch": i / 1e4} for i, one in enumerate(loss.tolist())]
    )
    return path


def _csv(path: Path, rows: list[dict[str, float]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(rows[0]) + "\n")
        file.writelines(",".join(map(str, row.values())) + "\n" for row in rows)


def _json_lines(path: Path, rows: list[dict[str, float]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _trainer_state(path: Path, rows: list[dict[str, float]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump({"max_steps": len(rows), "log_history": rows}, file, indent=2)


def _keras_history(path: Path, rows: list[dict[str, float]]) -> None:
    names = {"loss": "loss", "val_loss": "eval_loss", "learning_rate": "learning_rate"}
    with path.open("w", encoding="utf-8") as file:
        json.dump({name: [row[key] for row in rows] for name, key in names.items()}, file)


def _wandb_history(path: Path, rows: list[dict[str, float]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump([{"_step": row["step"], "train": {"loss": row["loss"], "lr": row["learning_rate"]}, "val": {"loss": row["eval_loss"]}} for row in rows], file)


def _events(path: Path, rows: list[dict[str, float]]) -> None:
    """One scalar a row; zeros for the checksums, which the reader does not compare and which take a minute."""
    event_of = import_module("tensorboard.compat.proto.event_pb2").Event
    events = (event_of(step=row["step"], summary={"value": [{"tag": "train/loss", "simple_value": row["loss"]}]}) for row in rows)
    with path.open("wb") as file:
        for event in (event_of(file_version="brain.Event:2"), *events):
            record = event.SerializeToString()
            file.write(struct.pack("<Q4x", len(record)) + record + bytes(4))


_FORMATS: tuple[tuple[str, str, Callable[[Path, list[dict[str, float]]], None]], ...] = (
    ("CSV", "log.csv", _csv),
    ("JSON lines", "log.jsonl", _json_lines),
    ("trainer_state.json", "trainer_state.json", _trainer_state),
    ("Keras history", "history.json", _keras_history),
    ("nested rows", "nested.json", _wandb_history),
    ("event file", _EVENTS, _events),
)
"""What, file name, writer."""
