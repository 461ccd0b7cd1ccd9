"""Batch size: candidates by updates, memory and time model; short annealed runs on equal examples decide, so in no more time for larger batches.

The report (remark 4) compares at equal time; here `epochs` caps the examples, so a larger batch cannot use the time that it saves.
"""

import dataclasses

from tunesmith.finding import Finding
from tunesmith.probes import Candidate, annealed_runs
from tunesmith.probes.annealed import shortened
from tunesmith.reading.comparison import choice_finding
from tunesmith.recipe.allowance import FEWEST_FIRST_STEPS, FEWEST_SHORT_STEPS
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import Tuning, judge, lr_interval, rounded, short_steps
from tunesmith.settings import Settings

LR_EXPONENT = 0.5
"""The learning rate grows like B to this power (report: .44 on CIFAR-10, .63 on CIFAR-100, METHOD 2.4)."""
MOST_CANDIDATES = 3
WORTHWHILE_SPEEDUP = 1.2
"""A larger batch is worth a run when it trains at least this much faster (our choice)."""


def candidate_sizes(lab: Laboratory, *, first: int, limits: Limits) -> list[int]:
    """The first batch size and its doubles: as long as a full training keeps 600 updates and a batch is at most a quarter of the data."""
    if not limits.is_free("batch_size"):
        return [first]
    low, high = limits.bounds.get("batch_size", (1, lab.task.n_train / 4))
    high = min(high, lab.task.n_train)
    first = int(min(max(first, low), max(high, 1)))
    doubles = [first * 2**i for i in range(1, MOST_CANDIDATES)]
    return [first, *(size for size in doubles if size <= high and lab.full_training_examples / size >= FEWEST_FIRST_STEPS)]


def choose_batch_size(
    lab: Laboratory, tuning: Tuning, limits: Limits, *, sizes: list[int], seconds_per_step: dict[int, float], largest_lr: float | None
) -> Tuning:
    """The settings at the batch size with the lowest loss in no more time than the first takes; of those within the noise of one run, the fastest.

    No candidate sees more examples than the first: `epochs` is the longest training that the user would pay for.
    """
    readable = [size for size in sizes if size == sizes[0] or short_steps(lab, tuning, batch_size=size) >= FEWEST_SHORT_STEPS]
    worth = [size for size in readable if size in seconds_per_step and _is_worthwhile(size, sizes[0], seconds_per_step)]
    if len(worth) < 2 or "batch_size" not in tuning.short.stages or tuning.short.examples * (len(worth) - 1) > lab.left:  # noqa: PLR2004 (nothing to choose from)
        return dataclasses.replace(tuning, findings=(*tuning.findings, _kept(tuning.settings.batch_size, limits, sizes=sizes, worth=worth)))
    lab.progress.stage("batch_size", f"Short annealed runs at batch sizes {', '.join(str(size) for size in worth)}.")
    allowed = lr_interval(limits, largest_lr=None if largest_lr is None else max(largest_lr, tuning.settings.lr))
    candidates = [_candidate(lab, tuning, size, seconds=seconds_per_step[size], allowed=allowed) for size in worth]
    experiment = annealed_runs(
        lab.task, candidates, probe="batch_size", seed=lab.search_seed(0), valid_examples=tuning.short.valid_examples, execute=lab.executor("search")
    )
    comparison = judge(lab, tuning, experiment)
    near = {label for label, found in comparison.scores.items() if comparison.noise > 0 and found <= comparison.scores[comparison.best] + comparison.noise}
    close = [size for size, candidate in zip(worth, candidates, strict=True) if candidate.label in near]
    chosen = min(close, key=lambda size: seconds_per_step[size] / size) if close else worth[0]  # where the noise is not known, the first stays
    finding = choice_finding(
        "batch_size", comparison, chosen=chosen,
        evidence=f"One short annealed run at each of {len(worth)} batch sizes, on equal examples, so in no more time than the smallest; "
        f"learning rate like B^{LR_EXPONENT}.",
        not_established="That the order stays the same in a full training: short runs favour small batches.",
    )  # fmt: skip
    experiment = lab.put(dataclasses.replace(experiment, findings=(finding,), verdict=f"Batch size {chosen}: the fastest within the noise of the best."))
    settings = _at(tuning.settings, chosen, allowed=allowed)
    return dataclasses.replace(tuning, settings=settings, experiments=(*tuning.experiments, experiment), findings=(*tuning.findings, finding))


def _is_worthwhile(size: int, first: int, seconds_per_step: dict[int, float]) -> bool:
    if size == first or first not in seconds_per_step:
        return size == first
    return (seconds_per_step[first] / first) / (seconds_per_step[size] / size) >= WORTHWHILE_SPEEDUP


def _at(settings: Settings, size: int, *, allowed: tuple[float, float]) -> Settings:
    if size == settings.batch_size:
        return settings
    lr = rounded(settings.lr * (size / settings.batch_size) ** LR_EXPONENT)
    return dataclasses.replace(settings, batch_size=size, lr=min(max(lr, allowed[0]), allowed[1]), min_lr=None)


def _candidate(lab: Laboratory, tuning: Tuning, size: int, *, seconds: float, allowed: tuple[float, float]) -> Candidate:
    steps = short_steps(lab, tuning, batch_size=size)
    settings = shortened(
        _at(tuning.settings, size, allowed=allowed), total_steps=steps, planned_steps=lab.task.steps_at(size), optimizer_name=lab.checked.acts_like
    )
    return Candidate(label=f"batch size {size}, {steps * seconds:.2g} s", value=float(size), settings=settings, total_steps=steps)


def _kept(size: int, limits: Limits, *, sizes: list[int], worth: list[int]) -> Finding:
    if not limits.is_free("batch_size"):
        why = "It was fixed."
    elif len(sizes) < 2:  # noqa: PLR2004 (the first alone)
        why = f"A larger one would leave fewer than {FEWEST_FIRST_STEPS} updates in a full training, or take more than a quarter of the data."
    elif len(worth) < 2:  # noqa: PLR2004 (the first alone)
        why = f"By the time model no larger one trains {WORTHWHILE_SPEEDUP}x faster."
    else:
        why = "The budget has no runs for it."
    return Finding(kind="batch_size", value=float(size), confidence=0.5, evidence=why, not_established="That another batch size is not better.")
