"""How long the report of a study takes, as text (`tunesmith show`) and as HTML (`tunesmith report`), and how large the HTML is, against the number of runs.

Measured in this process, each from opening the study to the text or the file on disk, and for the largest study also as commands of their own. A ratio that
grows faster than the number of runs would say that something is quadratic.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.commands import TUNESMITH, command
from benchmarks.speed.row import Row, ratios
from benchmarks.speed.studies import write_study
from benchmarks.speed.turns import Contender, cpu, take_turns, timed, wall
from tunesmith.report import summarize, write_report
from tunesmith.study import Study


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long to measure: turns, runs of each study in ascending order, points of a short run."""

    turns: int
    runs: tuple[int, ...]
    points: int


FULL = Sizes(turns=9, runs=(40, 250, 1000), points=60)
QUICK = Sizes(turns=3, runs=(40, 250), points=60)


def measure(sizes: Sizes) -> list[Row]:
    """Text and HTML of each study."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in sizes.runs:
            write_study(folder / str(count), runs=count, points=sizes.points)
        contenders = {(what, count): _contender(work, folder / str(count)) for what, work in (("text", _text), ("HTML", _html)) for count in sizes.runs}
        found = take_turns({f"{what}, {count} runs": contender for (what, count), contender in contenders.items()}, turns=sizes.turns)
        rows = [Row(subject=subject, unit="CPU ms", samples=tuple(1e3 * one for one in cpu(seconds))) for subject, seconds in found.items()]
        fewest, most = min(sizes.runs), max(sizes.runs)
        for what in ("text", "HTML"):
            for smaller, larger in zip(sizes.runs, sizes.runs[1:], strict=False):
                samples = ratios(cpu(found[f"{what}, {larger} runs"]), cpu(found[f"{what}, {smaller} runs"]))
                note = f"{larger / smaller:.3g} x as many runs"
                rows.append(Row(subject=f"{what}: {larger} runs / {smaller}", unit="CPU ratio", samples=samples, note=note))
        rows += [
            Row(subject=f"HTML, {count} runs: size", unit="MB", samples=((folder / str(count) / "report.html").stat().st_size / 1e6,)) for count in sizes.runs
        ]
        growth = [(folder / str(count) / "report.html").stat().st_size for count in (fewest, most)]
        if most > fewest:
            rows.append(Row(subject="HTML: size of a further run", unit="kB", samples=((growth[1] - growth[0]) / (most - fewest) / 1e3,)))
        return rows + _commands(folder / str(most), count=most, turns=sizes.turns)


def _commands(study: Path, *, count: int, turns: int) -> list[Row]:
    lines = {"tunesmith show": [*TUNESMITH, "show", str(study)], "tunesmith report": [*TUNESMITH, "report", str(study)]}
    found = take_turns({name: command(line) for name, line in lines.items()}, turns=turns)
    return [
        Row(subject=f"`{name}`, {count} runs", unit=f"{unit} ms", samples=tuple(1e3 * one for one in of(seconds)), note="a process of its own")
        for name, seconds in found.items()
        for unit, of in (("wall", wall), ("CPU", cpu))
    ]


def _contender(work: Callable[[Path], object], study: Path) -> Contender:
    return lambda _turn: timed(lambda: work(study))


def _text(folder: Path) -> object:
    with Study.open(folder) as study:
        return summarize(study)


def _html(folder: Path) -> object:
    with Study.open(folder) as study:
        return write_report(study, folder / "report.html")
