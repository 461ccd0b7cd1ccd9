"""What reading a log of a million rows takes: CSV, JSON lines, a `trainer_state.json`, and event files where tensorboard is installed.

Each read is a process of its own, which times itself and says its peak of memory: wall and CPU seconds of `read_log` without imports. The logs are made up: a
step, a learning rate, two losses and an epoch. An event file of so many takes a minute to write, so it has a tenth.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
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
            f"{what}, {rows:,} rows": _written(Path(name) / file, write, rows=rows)
            for what, file, write, share in _FORMATS
            if (rows := sizes.rows // share) and (share == 1 or find_spec("tensorboard"))
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


def _events(path: Path, rows: list[dict[str, float]]) -> None:
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (where tensorboard is installed)

    with SummaryWriter(str(path.parent / "events")) as writer:
        for row in rows:
            writer.add_scalar("train/loss", row["loss"], int(row["step"]))
    (written,) = (path.parent / "events").iterdir()
    written.rename(path)


_FORMATS: tuple[tuple[str, str, Callable[[Path, list[dict[str, float]]], None], int], ...] = (
    ("CSV", "log.csv", _csv, 1),
    ("JSON lines", "log.jsonl", _json_lines, 1),
    ("trainer_state.json", "trainer_state.json", _trainer_state, 1),
    ("event file", "events.out.tfevents.0", _events, 10),
)
"""What, file name, writer, and by how much smaller the log is."""
