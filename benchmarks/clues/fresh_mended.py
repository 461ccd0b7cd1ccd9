"""Prints whether the claims of the fresh kinds hold: by a second training that mends the one thing, and by what the curve must then show.

    python -m benchmarks.clues.fresh_mended > benchmarks/results/clues_fresh_mended.md     # four minutes

`misses`: (its end - the mended end) / (start - the mended end) of the validation loss, two seeds: 0 is as good as mended, 1 is nothing learned.
`rises`: (its end - its least) / (start - its least), four seeds. "> 10": that or lost. The start is the training loss before the first update.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, stdev

from benchmarks.clues.__main__ import ROWS, SEEDS, key_of
from benchmarks.clues.beds import Bed, mlp
from benchmarks.clues.kind import Kind, Order
from benchmarks.clues.kinds.fresh import FRESH
from benchmarks.clues.rows import curve_of
from benchmarks.proof.cache import Rows, canonical
from tunesmith.curve import Curve
from tunesmith.engine import run_spec
from tunesmith.task import Task

MENDED_SEEDS = range(2)
GRID = (0.25, 0.5, 2.0, 4.0)
DECAYS = (0.003, 0.03, 0.3)
_LOST = 10.0


def _again(order: Order, *, task: Task | None = None, times: float = 1.0, lr: float | None = None, weight_decay: float | None = None) -> Order:
    settings = order.spec.settings
    schedule = settings.schedule if task is None else task.schedule_name
    settings = dataclasses.replace(
        settings,
        lr=settings.lr if lr is None else lr,
        weight_decay=settings.weight_decay if weight_decay is None else weight_decay,
        schedule=schedule,
    )
    spec = dataclasses.replace(order.spec, settings=settings, total_steps=round(times * order.spec.total_steps))
    return Order(task=order.task if task is None else task, spec=spec)


def _schedule_of(order: Order) -> str:
    return order.spec.settings.schedule


def other_rates(_bed: Bed, order: Order) -> Iterator[Order]:
    """The same at four other rates."""
    return (_again(order, lr=factor * order.spec.settings.lr) for factor in GRID)


def twice_as_long(_bed: Bed, order: Order) -> Iterator[Order]:
    """The same, stretched."""
    yield _again(order, times=2)


def with_decay(_bed: Bed, order: Order) -> Iterator[Order]:
    """The same with three weight decays; decoupled ones need more."""
    factor = 30 if order.task.optimizer == "adamw" else 1 if order.task.optimizer in {"sgd", "nesterov"} else 0.1
    return (_again(order, weight_decay=factor * decay) for decay in DECAYS)


def the_bed(bed: Bed, order: Order) -> Iterator[Order]:
    """The bed's own network, data and optimizer at the run's settings."""
    schedule = _schedule_of(order)
    yield _again(order, task=bed.task(schedule="warmup_linear" if schedule == "task" else schedule))


def the_bed_at_its_rate(bed: Bed, order: Order) -> Iterator[Order]:
    """The bed as it should be trained."""
    yield _again(order, task=bed.task(schedule="warmup_linear"), lr=bed.lr)


def its_rate(bed: Bed, order: Order) -> Iterator[Order]:
    """The same at the bed's rate."""
    yield _again(order, lr=bed.lr)


def another_network(bed: Bed, order: Order) -> Iterator[Order]:
    """A network that can bend in the place of the linear one."""
    (x, y), _ = bed.data()
    yield _again(order, task=bed.task(model=lambda: mlp(x.shape[1], bed.classes or y.shape[1])(32), schedule=_schedule_of(order)), times=2)


def without_decay(_bed: Bed, order: Order) -> Iterator[Order]:
    """The same without decay."""
    yield _again(order, weight_decay=0.0)


def the_whole_cosine(bed: Bed, order: Order) -> Iterator[Order]:
    """The schedule to its end."""
    yield _again(order, task=bed.task(schedule="cosine"), times=3)


def a_quarter(_bed: Bed, order: Order) -> Iterator[Order]:
    """A quarter of the length."""
    yield _again(order, times=0.25)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What must hold of some kinds.

    Attributes:
        words: The claim.
        kinds: Of which.
        mend: The second training.
        misses, rises: Between which bounds the two shares must lie.
    """

    words: str
    kinds: tuple[str, ...]
    mend: Callable[[Bed, Order], Iterable[Order]]
    misses: tuple[float, float] = (-math.inf, math.inf)
    rises: tuple[float, float] = (-math.inf, math.inf)


_TUNED = ("tuned_fastai_cycle", "tuned_half_cosine", "tuned_linear_decay", "tuned_step_drops", "tuned_warm_restarts")
_ENOUGH = (0.05, math.inf)
CLAIMS = (
    Claim(words="No rate of 1/4, 1/2, 2, 4 times gains more than .1 of the drop; it ends near its least", kinds=_TUNED, mend=other_rates,
          misses=(-math.inf, 0.1), rises=(0, 0.05)),
    Claim(words="Twice the length gains at most .1 of the drop", kinds=_TUNED, mend=twice_as_long, misses=(-math.inf, 0.1)),
    Claim(words="A quarter of the length ends within .03 of the drop", kinds=("easy_four_times",), mend=a_quarter, misses=(-0.03, 0.03), rises=(0, 0.03)),
    Claim(words="It rises, and decay ends lower", kinds=("memorised_labels", "two_labels_in_five", "few_examples_no_decay", "too_many_passes"),
          mend=with_decay, misses=_ENOUGH, rises=(0.1, math.inf)),
    Claim(words="It rises, and with the bed's own validation (and data) it would end lower", kinds=("other_validation", "certain_and_wrong"), mend=the_bed,
          misses=_ENOUGH, rises=(0.05, math.inf)),
    Claim(words="It ends near the bed's own end, all data from the start", kinds=("more_data_later",), mend=the_bed, misses=(-math.inf, 0.1), rises=(0, 0.05)),
    Claim(words="It ends near where it would without the burst", kinds=("burst_recovered",), mend=the_bed, misses=(-math.inf, 0.3)),
    Claim(words="Good data to the end, and it is not lost", kinds=("bad_to_the_end",), mend=the_bed, misses=(0.5, math.inf)),
    Claim(words="Another network", kinds=("line_through_curves",), mend=another_network, misses=_ENOUGH),
    Claim(words="The bed's width, inputs, dropout, no clipping", kinds=("bottleneck", "drowned_inputs", "clipped_to_a_crawl"), mend=the_bed, misses=_ENOUGH),
    Claim(words="A larger rate", kinds=("rate_ten_times_too_small",), mend=its_rate, misses=_ENOUGH),
    Claim(words="No decay", kinds=("decay_crushes",), mend=without_decay, misses=_ENOUGH),
    Claim(words="The whole schedule", kinds=("cosine_cut_at_a_third",), mend=the_whole_cosine, misses=_ENOUGH),
    Claim(words="The bed's rate, network, schedule", kinds=("rate_thirty_times", "rate_warmed_too_high", "dead_relu", "zero_rate"), mend=the_bed_at_its_rate,
          misses=(0.25, math.inf)),
)  # fmt: skip


def missed(curve: Curve, *, mended: Iterable[Curve]) -> float:
    """The share of the drop (at least a tenth of the start) that a run misses of the best mended one; _LOST where it ended without a loss."""
    best = min(one.final_valid_loss for one in mended)
    start = curve.train_loss[0]
    return min(_LOST, (curve.final_valid_loss - best) / max(start - best, abs(start) / 10))


def risen(curve: Curve) -> float:
    """How far the end lies above the least, as a share of the drop to the least."""
    least = min(curve.valid_loss, default=math.nan)
    return min(_LOST, (curve.final_valid_loss - least) / max(1e-9, curve.train_loss[0] - least))


def turnings(values: tuple[float, ...], *, least: float) -> int:
    """How often a curve turns by at least `least`.

    Example:
        >>> turnings((3.0, 1.0, 2.0, 1.9, 0.5, 0.6), least=0.5)
        2
    """
    count, way, extreme = 0, 0, values[0]
    for value in values:
        direction = 1 if value > extreme else -1
        if direction == way:
            extreme = value
        elif abs(value - extreme) >= least:
            count, way, extreme = count + (way != 0), direction, value
    return count


def _train(order: Order) -> Curve:
    return run_spec(order.task, order.spec).curve


def _span(values: list[float]) -> str:
    return " to ".join("> 10" if value >= _LOST else f"{value:.2f}" for value in (min(values), max(values)))


def print_claim(claim: Claim, *, curves: dict[str, Curve]) -> None:
    """One table."""
    print(f"\n## {claim.words}\n\n| kind | bed | misses | rises | holds |\n|---|---|---|---|---|")
    for kind in (kind for kind in FRESH if kind.name in claim.kinds):
        for bed in kind.beds:
            own = {seed: curves[_name(kind, bed, seed)] for seed in SEEDS}
            misses = [missed(own[seed], mended=[_train(order) for order in claim.mend(bed, kind.make(bed, seed))]) for seed in MENDED_SEEDS]
            rises = [risen(curve) for curve in own.values()]
            holds = all(claim.misses[0] <= share <= claim.misses[1] for share in misses) and all(claim.rises[0] <= share <= claim.rises[1] for share in rises)
            print(f"| {kind.name} | {bed.name} | {_span(misses)} | {_span(rises)} | {'yes' if holds else 'NO'} |", flush=True)


def _name(kind: Kind, bed: Bed, seed: int) -> str:
    return canonical(key_of(kind, bed=bed.name, seed=seed))


def _hump(curve: Curve) -> tuple[float, float]:
    first = curve.valid_loss[: int(0.4 * len(curve.valid_loss))]
    least, end = min(first), curve.final_valid_loss
    drop = curve.train_loss[0] - end
    return (max(first[first.index(least) :]) - least) / drop, (least - end) / drop


def _gain_in_noise(curve: Curve) -> float:
    length = len(curve.train_loss) // 10
    gained = mean(curve.train_loss[curve.eval_step[0] :][:length]) - mean(curve.train_loss[-length:])
    return gained / stdev(after - before for before, after in pairwise(curve.valid_loss)) * math.sqrt(2)


def print_shapes(curves: dict[str, Curve]) -> None:
    """What the curve itself must show, four seeds."""
    print("\n## What a curve must show\n\n| kind | bed | what | from the least to the largest of four seeds |\n|---|---|---|---|")
    for kind in FRESH:
        for bed in kind.beds:
            for what, values in _shapes(kind, curves=[curves[_name(kind, bed, seed)] for seed in SEEDS]):
                print(f"| {kind.name} | {bed.name} | {what} | {_span(values)} |", flush=True)


def _shapes(kind: Kind, *, curves: list[Curve]) -> Iterator[tuple[str, list[float]]]:
    if kind.name == "more_data_later":
        yield "rise of the hump / whole drop", [_hump(curve)[0] for curve in curves]
        yield "end below the least before the hump / whole drop", [_hump(curve)[1] for curve in curves]
    elif kind.name == "heavy_momentum":
        yield (
            "turns by a twentieth of the drop (> 10: or more)",
            [turnings(one.valid_loss, least=(one.train_loss[0] - min(one.valid_loss)) / 20) for one in curves],
        )
    elif kind.name in {"dead_relu", "zero_rate"}:
        yield "largest - least validation loss", [max(one.valid_loss) - min(one.valid_loss) for one in curves]
    elif kind.name == "handful_redrawn":
        yield "what training gains after the first evaluation / error of an evaluation", [_gain_in_noise(curve) for curve in curves]
    elif kind.name == "certain_and_wrong":
        accuracies = [(one.metrics["accuracy"], one.valid_loss.index(min(one.valid_loss))) for one in curves]
        yield "accuracy at the end - at the least loss", [values[-1] - values[at] for values, at in accuracies]
    elif kind.name in {"burst_recovered", "bad_to_the_end"}:
        begin = round((0.35 if kind.name == "burst_recovered" else 0.6) * len(curves[0].valid_loss))
        yield "jump / drop before it", [_jump(one, begin=begin * len(one.valid_loss) // len(curves[0].valid_loss)) for one in curves]


def _jump(curve: Curve, *, begin: int) -> float:
    before = min(curve.valid_loss[:begin])
    return (max(curve.valid_loss[begin:]) - before) / (curve.train_loss[0] - before)


def main() -> None:
    """Print all tables."""
    print("# What mending gains: the fresh kinds\n\nSee the top of `clues/fresh_mended.py`.")
    curves = {canonical(key): curve_of(row) for key, row in Rows(ROWS / "fresh.jsonl").all()}
    for claim in CLAIMS:
        print_claim(claim, curves=curves)
    print_shapes(curves)


if __name__ == "__main__":
    main()
