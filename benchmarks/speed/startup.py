"""How long it takes until `import tunesmith`, `tunesmith --help` and `tunesmith show` are done, beside an empty Python and `import torch`.

Processes of their own, taking turns, the files in the page cache and the bytecode written. None of ours may load torch: counted are the modules of torch
that each has loaded at its end.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.commands import TUNESMITH, command
from benchmarks.speed.row import Row, ratios
from benchmarks.speed.studies import write_study
from benchmarks.speed.turns import cpu, take_turns, wall

EMPTY, TORCH = "python -c pass", "import torch"
COUNT_TORCH = "import sys; print(sum(name.partition('.')[0] == 'torch' for name in sys.modules), file=sys.stderr)"


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: starts of each, runs and points of the study shown."""

    turns: int
    runs: int
    points: int


FULL = Sizes(turns=21, runs=40, points=60)
QUICK = Sizes(turns=3, runs=40, points=60)


def measure(sizes: Sizes) -> list[Row]:
    """Wall and CPU, in ratio to an empty Python."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        write_study(study, runs=sizes.runs, points=sizes.points)
        ours = {"tunesmith --help": ["--help"], "tunesmith show": ["show", str(study)]}
        words = {EMPTY: [sys.executable, "-c", "pass"], "import tunesmith": [sys.executable, "-c", "import tunesmith"]}
        words |= {name: [*TUNESMITH, *args] for name, args in ours.items()}
        words |= {TORCH: [sys.executable, "-c", "import torch"]}
        found = take_turns({name: command(line) for name, line in words.items()}, turns=sizes.turns)
        rows = [Row(subject=name, unit="wall ms", samples=tuple(1e3 * one for one in wall(found[name]))) for name in words]
        rows += [Row(subject=name, unit="CPU ms", samples=tuple(1e3 * one for one in cpu(found[name]))) for name in words]
        rows += [Row(subject=f"{name} / {EMPTY}", unit="wall ratio", samples=ratios(wall(found[name]), wall(found[EMPTY]))) for name in words if name != EMPTY]
        rows += [_torch_modules("import tunesmith", f"import tunesmith; {COUNT_TORCH}", [])]
        return rows + [_torch_modules(name, f"from tunesmith.cli import main; main(); {COUNT_TORCH}", args) for name, args in ours.items()]


def _torch_modules(name: str, code: str, args: list[str]) -> Row:
    done = subprocess.run([sys.executable, "-c", code, *args], check=True, capture_output=True, text=True)  # noqa: S603 (our own command)
    count = int(done.stderr.split()[-1])
    return Row(subject=f"{name}: modules of torch loaded", unit="modules", samples=(float(count),), note="must be 0")
