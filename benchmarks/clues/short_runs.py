"""Short runs of random settings beside how their full runs ended: the pairs of which the short runs should tell which full run ends better.

For each task 24 random settings: two short runs of an eighth of the full length, annealed like all others and recorded whole, one with the weight decay as
drawn and one with eight times of it (the same total decay); and two full runs on other seeds, of which the end counts. Two settings make a pair where both full
runs of the one end better than both of the other: then there is something to foresee.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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


def promising(pairs: Sequence[tuple[Contender, Contender]], known: Sequence[Contender]) -> list[tuple[Contender, Contender]]:
    """Pairs of settings that are both among the better 40 % of their task: the ones a search has to tell apart."""
    best: set[int] = set()
    for name in {one.task for one in known}:
        ranked = sorted((one for one in known if one.task == name), key=lambda one: sum(one.ends))
        best |= {id(one) for one in ranked[: round(0.4 * len(ranked))]}
    return [(better, worse) for better, worse in pairs if id(better) in best and id(worse) in best]
