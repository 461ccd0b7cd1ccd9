"""Do runs of an eighth of the length rank settings better when they carry the total decay of the full ones? Arithmetic on the rows of `clues.short_runs`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from benchmarks.clues.short_runs import Contender, contenders
from benchmarks.decay.ranks import interval, rank_correlation, rank_correlations, resamples
from benchmarks.proof.command import RESULTS
from benchmarks.proof.store import Facts, Store
from benchmarks.proof.tasks import TASKS_FOLDER, BenchTask
from tunesmith.curve import Curve, RunOutcome
from tunesmith.schedules import total_decay

PROMISING = 0.4
"""Share of a task's settings that a search has to tell apart: the best by the mean of their full runs (METHOD, section 2.5)."""
FEW_LEARNT = 0.5
"""Settings that learn less than this share of what the task's best learn are nobody's candidates (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One setting of one task, as the bench judges it.

    Attributes:
        total_decay: Of its full run.
        full, seeds: Mean of the final validation losses of its full runs, and each; +inf where one was lost.
        plain, matched: Final validation loss of its short runs, with the decay as drawn and with the same total decay.
        learnt: Share of what the task's best learnt; 0 where a full run was lost.
        plain_shift, matched_shift: How many places behind its own the short runs place it among the task's settings; negative: before.
    """

    total_decay: float
    full: float
    seeds: tuple[float, ...]
    plain: float
    matched: float
    learnt: float
    plain_shift: float
    matched_shift: float

    @property
    def is_overfitting(self) -> bool:
        """Whether an eighth of the length, decay as drawn, ends lower than all of it."""
        return self.plain < self.full


@dataclass(frozen=True, kw_only=True)
class TaskRanks:
    """Rank correlations of short with full runs on one task, among some of its settings.

    Attributes:
        plain, matched: With the decay as drawn, and with the same total decay.
        gain: matched - plain.
        gain_interval: Of it, by drawing the settings again.
        seeds: Of one full run with the other: what no short run can exceed by much.
    """

    plain: float
    matched: float
    gain: float
    gain_interval: tuple[float, float]
    seeds: float


@dataclass(frozen=True, kw_only=True)
class TriedTask:
    """A task's settings.

    Attributes:
        name: Of the task.
        optimizer: Its name.
        tried: The settings.
    """

    name: str
    optimizer: str
    tried: list[Tried]


def tried_task(folder: Path, name: str) -> TriedTask:
    """What is known of a task.

    Raises:
        LookupError: The proof bench has not loaded the task, so its sizes are not known.
    """
    facts = Store(RESULTS, BenchTask(name=name, path=TASKS_FOLDER / f"{name}.py")).known_facts()
    if facts is None:
        raise LookupError(f"benchmarks/results/{name}/facts.jsonl must have the sizes of today's {name}.py, and has not. Run the proof bench on it.")
    known = contenders(folder, names=(name,))
    seeds = [tuple(end if math.isfinite(end) else math.inf for end in one.ends) for one in known]
    full = [sum(ends) / len(ends) for ends in seeds]
    plain, matched = [_final(one.plain) for one in known], [_final(one.matched) for one in known]
    places = [rankdata(values) for values in (full, plain, matched)]
    tried = [
        Tried(
            total_decay=_total_decay(one, facts),
            full=full[at],
            seeds=seeds[at],
            plain=plain[at],
            matched=matched[at],
            learnt=_learnt(one, full[at], best=min(full)),
            plain_shift=float(places[1][at] - places[0][at]),
            matched_shift=float(places[2][at] - places[0][at]),
        )
        for at, one in enumerate(known)
    ]
    return TriedTask(name=name, optimizer=facts.optimizer, tried=tried)


def promising(tried: Sequence[Tried]) -> list[Tried]:
    """The best 40 %."""
    return sorted(tried, key=lambda one: one.full)[: round(PROMISING * len(tried))]


def task_ranks(tried: Sequence[Tried]) -> TaskRanks:
    """Of these settings."""
    full, plain, matched = (np.array([getattr(one, name) for one in tried]) for name in ("full", "plain", "matched"))
    drawn = resamples(len(tried))
    gains = rank_correlations(matched[drawn], full[drawn]) - rank_correlations(plain[drawn], full[drawn])
    of_plain, of_matched = rank_correlation(plain, full), rank_correlation(matched, full)
    return TaskRanks(
        plain=of_plain,
        matched=of_matched,
        gain=of_matched - of_plain,
        gain_interval=interval(gains),
        seeds=rank_correlation([one.seeds[0] for one in tried], [one.seeds[1] for one in tried]),
    )


BANDS = (0.1, 1.0, 5.0, math.inf)
"""Ends of the groups by total decay (our choice: below the first it hardly acts)."""


def groups_of(tried: Sequence[Tried]) -> dict[str, list[Tried]]:
    """Where to look for failures; settings without weight decay are in no group, for both their short runs are one."""
    decaying = [one for one in tried if one.total_decay > 0]
    learnt = [one for one in decaying if one.learnt >= FEW_LEARNT]
    acting = [one for one in learnt if one.total_decay >= BANDS[0]]
    found = {"learnt less than half of what the best did": [one for one in decaying if one.learnt < FEW_LEARNT]}
    for low, high in pairwise((0.0, *BANDS)):
        found[f"total decay {low:g} to {high:g}" if math.isfinite(high) else f"total decay {low:g} or more"] = [
            one for one in learnt if low <= one.total_decay < high
        ]
    found[f"{BANDS[0]:g} or more, T/8 ends above T"] = [one for one in acting if not one.is_overfitting]
    found[f"{BANDS[0]:g} or more, T/8 ends below T"] = [one for one in acting if one.is_overfitting]
    return found


def _final(curve: Curve) -> float:
    return curve.final_valid_loss if curve.outcome is RunOutcome.FINISHED else math.inf


def _learnt(one: Contender, full: float, *, best: float) -> float:
    """From the highest validation loss of the short run, which is that of a network that has hardly begun; 0 where nothing can be said."""
    losses = [loss for loss in one.plain.valid_loss if math.isfinite(loss)]
    return max(0.0, (max(losses) - full) / (max(losses) - best)) if losses and math.isfinite(full) and max(losses) > best else 0.0


def _total_decay(one: Contender, facts: Facts) -> float:
    steps = max(1, round(facts.full_training_examples / one.settings.batch_size))
    return total_decay(one.settings, total_steps=steps, optimizer_name=facts.optimizer)
