"""Of two settings' short runs, which full run will end better? Makes the runs, and says how often the short runs' last loss tells.

    python -m benchmarks.clues.pairs --out benchmarks/results            # some minutes with nothing on disk
    python -m benchmarks.clues.pairs --cached --out benchmarks/results   # scores only

For each task 24 random settings: two short runs of an eighth of the full length, annealed like all others and recorded whole, one with the weight decay as
drawn and one with eight times of it (the same total decay); and two full runs on other seeds, of which the end counts. Two settings make a pair where both full
runs of the one end better than both of the other: then there is something to foresee.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

from benchmarks.clues.rows import curve_of, packed_curve
from benchmarks.proof.cache import Row, Rows
from benchmarks.proof.space import draw
from benchmarks.proof.tasks import TASKS_FOLDER, BenchTask
from tunesmith.curve import Curve
from tunesmith.engine import run_spec
from tunesmith.settings import RunSpec, Settings

FIT_TASKS = ("wine_mlp", "california_mlp", "mnist_noisy_labels")
REPORT_TASKS = ("adult_mlp", "digits_cnn", "digits_finetune", "mnist_lenet", "shakespeare_lstm")
TASKS = (*FIT_TASKS, *REPORT_TASKS)
N_SETTINGS = 24
SHORTER = 8
_DRAW = 77
_BATCH_SIZES = (64, 128, 256)
_FULL_SEEDS = (1, 2)
_EVALUATIONS = 30
ROWS = Path(__file__).parents[1] / "results" / "clues_pairs"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One choice of settings, its short runs and how its full runs ended.

    Attributes:
        task: Name.
        settings: As drawn.
        plain, matched: Short runs with the decay as drawn, and with the same total decay.
        ends: Final validation losses of the full runs; +inf where one was lost.
    """

    task: str
    settings: Settings
    plain: Curve
    matched: Curve
    ends: tuple[float, ...]


Foresee = Callable[[Contender, Contender], float]
"""(a, b) → how sure that a's full run ends better: above 0 for a, below for b, 0 for undecided."""


def settings_of(task: BenchTask, index: int) -> Settings:
    """Random settings number `index`, with a batch of 64, 128 or 256, so that no short run has more than 500 updates."""
    drawn, _ = draw(task.whole, seed=_DRAW, index=index)
    return replace(drawn, batch_size=_BATCH_SIZES[index % len(_BATCH_SIZES)])


def make_row(task: BenchTask, settings: Settings) -> Row:
    """Train the four runs."""
    whole = task.without_test
    total_steps = whole.steps_at(settings.batch_size)
    short = RunSpec(settings=settings, total_steps=total_steps // SHORTER, seed=0, evaluations=_EVALUATIONS - 1)
    matched = replace(short, settings=replace(settings, weight_decay=SHORTER * settings.weight_decay))
    full = [RunSpec(settings=settings, total_steps=total_steps, seed=seed, evaluations=_EVALUATIONS - 1) for seed in _FULL_SEEDS]
    plain_curve = run_spec(whole, short).curve
    ends = [run_spec(whole, spec).curve for spec in full]
    return {
        "settings": settings.to_dict(),
        "total_steps": total_steps,
        "plain": packed_curve(plain_curve),
        "matched": packed_curve(plain_curve if matched == short else run_spec(whole, matched).curve),
        "full": [{"end": str(curve.final_valid_loss), "eval_step": list(curve.eval_step), "valid_loss": packed_curve(curve)["valid_loss"]} for curve in ends],
    }


def make_rows(folder: Path, *, names: Sequence[str], n_settings: int) -> int:
    """Train what `folder` lacks; how many settings that were."""
    made = 0
    for name in names:
        task, rows = BenchTask(name=name, path=TASKS_FOLDER / f"{name}.py"), Rows(folder / f"{name}.jsonl")
        for index in range(n_settings):
            if rows.get({"index": index}) is None:
                rows.put({"index": index}, make_row(task, settings_of(task, index)))
                made += 1
    return made


def contenders(folder: Path, *, names: Sequence[str] = TASKS) -> list[Contender]:
    """Every stored choice of settings."""
    return [
        Contender(
            task=name,
            settings=Settings.from_dict(row["settings"]),
            plain=curve_of(row["plain"]),
            matched=curve_of(row["matched"]),
            ends=tuple(float(one["end"]) for one in row["full"]),
        )
        for name in names
        for _, row in Rows(folder / f"{name}.jsonl").all()
    ]


def pairs_of(known: Sequence[Contender]) -> list[tuple[Contender, Contender]]:
    """Pairs of one task, the better first: all of its full runs end better than all of the other's."""
    both = [pair for one, other in combinations(known, 2) if one.task == other.task for pair in ((one, other), (other, one))]
    return [(better, worse) for better, worse in both if max(better.ends) < min(worse.ends)]


def by_last_loss(name: str) -> Foresee:
    """The short run ("plain" or "matched") that ends lower is thought better."""

    def foresee(one: Contender, other: Contender) -> float:
        mine, others = getattr(one, name).final_valid_loss, getattr(other, name).final_valid_loss
        return float(mine < others) - float(mine > others)

    return foresee


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """How often somebody saw which of two ends better.

    Attributes:
        n: Pairs.
        decided: Share with an answer.
        right: Of those.
    """

    n: int
    decided: float
    right: float


def foresight(pairs: Sequence[tuple[Contender, Contender]], foresee: Foresee) -> Foresight:
    """Ask about every pair; the better one stands first."""
    said = [value for value in (foresee(better, worse) for better, worse in pairs) if value]
    return Foresight(n=len(pairs), decided=len(said) / max(1, len(pairs)), right=sum(value > 0 for value in said) / max(1, len(said)))


def promising(pairs: Sequence[tuple[Contender, Contender]], known: Sequence[Contender]) -> list[tuple[Contender, Contender]]:
    """Pairs of settings that are both among the better 40 % of their task: the ones a search has to tell apart."""
    best: set[int] = set()
    for name in {one.task for one in known}:
        ranked = sorted((one for one in known if one.task == name), key=lambda one: sum(one.ends))
        best |= {id(one) for one in ranked[: round(0.4 * len(ranked))]}
    return [(better, worse) for better, worse in pairs if id(better) in best and id(worse) in best]


def main(arguments: list[str] | None = None) -> None:
    """Make, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cached", action="store_true", help="train nothing")
    parser.add_argument("--tasks", default=" ".join(TASKS), help="names, separated by spaces")
    parser.add_argument("--settings", type=int, default=N_SETTINGS, help="how many a task")
    parser.add_argument("--rows", type=Path, default=ROWS, help="folder of the rows")
    parser.add_argument("--out", type=Path, default=Path("runs/bench-clues"), help="folder of clues_pairs.md and clues_pairs.json")
    given = parser.parse_args(arguments)
    names = given.tasks.split()
    if not given.cached:
        started = time.perf_counter()
        made = make_rows(given.rows, names=names, n_settings=given.settings)
        print(f"{made} settings in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    known = contenders(given.rows, names=names)
    pairs = pairs_of(known)
    groups = {"all": pairs, **{name: [pair for pair in pairs if pair[0].task == name] for name in names}, "promising": promising(pairs, known)}
    found = {group: {name: foresight(chosen, by_last_loss(name)) for name in ("plain", "matched")} for group, chosen in groups.items()}
    given.out.mkdir(parents=True, exist_ok=True)
    document = {group: {name: asdict(one) for name, one in part.items()} for group, part in found.items()}
    (given.out / "clues_pairs.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (given.out / "clues_pairs.md").write_text(_text(found), encoding="utf-8")
    print(_text(found))


def _text(found: dict[str, dict[str, Foresight]]) -> str:
    return "\n".join([
        "# Which of two settings' full runs ends better, by the last loss of short runs",
        "",
        "Runs of an eighth of the length. `plain`: decay as drawn; `matched`: the same total decay. `promising`: both among the best 40 % of their task.",
        "",
        "| pairs | n | plain decided | right | matched decided | right |",
        "|---|---|---|---|---|---|",
        *(
            f"| {group} | {part['plain'].n} | " + " | ".join(f"{one.decided:.3f} | {one.right:.3f}" for one in (part["plain"], part["matched"])) + " |"
            for group, part in found.items()
        ),
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
