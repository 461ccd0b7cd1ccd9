"""The batch size of a ladder's plan: upper rungs sample gradients, and a run at another size is held against the best choice's run of the same time."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.reading.batch_size import BatchSizeReading
from tunesmith.reading.batch_times import contenders
from tunesmith.recipe.batch_choice import comparison_examples, decide, kept, moved, timed
from tunesmith.recipe.ladder.rungs import Ladder, Tried
from tunesmith.recipe.time_model import TimeModel
from tunesmith.settings import Settings

RESERVED_RUNS = 2.0
"""Of the price of a lowest rung's run, what is kept for one of the same time at another batch size, which takes more examples (our choice)."""


SLOPE_AT_THE_END = 0.5
"""By how much less of its logarithm the loss loses with the last doubling of a full length than with that of the ladder's longest runs (our choice: between
tasks whose loss goes on as a power of the length and those where it levels)."""


@dataclass(frozen=True, kw_only=True)
class BatchChoice:
    """A batch size, and how a training is moved to it.

    Attributes:
        base: What the ladder was climbed at.
        reading: What was read; None where nothing was compared.
        findings: What is to be said of it.
        ladder: What it was chosen for.
    """

    base: int
    reading: BatchSizeReading | None
    findings: tuple[Finding, ...]
    ladder: Ladder

    @property
    def size(self) -> int:
        """The batch size to use."""
        return self.base if self.reading is None else self.reading.suggestion

    @property
    def words(self) -> str:
        """How the peak was carried to it, as the end of a sentence; empty where it was not."""
        return "" if self.reading is None or self.size == self.base else f", and from batch size {self.base} like B^{self.reading.lr_exponent:.2g}"

    @property
    def words_of_length(self) -> str:
        """Of which batch size the updates of the ladder are, as the end of a sentence; empty where it is the plan's."""
        fewer = "fewer" if self.size > self.base else "more"
        return "" if self.size == self.base else f" at batch size {self.base}; at {self.size} {fewer} make the same progress"

    def moved(self, settings: Settings, total_steps: int) -> tuple[Settings, int]:
        """A training at the base, at the size to use."""
        if self.reading is None:
            return settings, total_steps
        limits = self.ladder.limits
        return moved(settings, total_steps, reading=self.reading, lab=self.ladder.lab, limits=limits, keeps_epochs=not limits.is_free("epochs"))


def comparison_price(ladder: Ladder) -> float:
    """Examples to keep for comparing a batch size; 0 where none is chosen."""
    return 0.0 if ladder.sampling is None else RESERVED_RUNS * ladder.price(ladder.lowest_steps)


def choose_batch_size(ladder: Ladder, top: Tried, *, sizes: Sequence[int], times: TimeModel) -> BatchChoice:
    """The batch size that reaches a target soonest, as far as the budget lets it be known.

    Args:
        ladder: As far as it was climbed.
        top: The best of its highest rung.
        sizes: Candidates, the base first.
        times: Seconds a step.
    """
    lab, base = ladder.lab, ladder.base.batch_size
    sampled = [arm for one in ladder.tried() for arm in one.arms if arm.run.curve.gradients]
    if not sampled:
        finding = kept(base, ladder.limits, sizes=sizes, times=times.seconds_per_step, is_sampled=ladder.sampling is not None)
        return BatchChoice(base=base, reading=None, findings=(finding,), ladder=ladder)
    arms = tuple(dataclasses.replace(arm, value=None, label=f"gradients, {arm.label}") for arm in sampled)
    experiment = timed(arms, times, sizes=sizes, n_train=lab.task.n_train, slope=SLOPE_AT_THE_END * _slope(ladder, top))
    proposed = contenders(experiment, base=base)
    reading = decide(lab, experiment, beside=_beside(ladder, top, experiment=experiment, proposed=proposed), sizes=proposed, limits=ladder.limits)
    return BatchChoice(base=base, reading=reading, findings=reading.findings, ladder=ladder)


def _slope(ladder: Ladder, top: Tried) -> float:
    """By how much the logarithm of the loss fell with the last doubling of the length; 0 where it did not, or where only one length was run."""
    losses = {one.steps: one.arms[0].run.curve.final_valid_loss for one in ladder.tried() if one.joint == top.joint}
    shorter = max((steps for steps in losses if steps < top.steps), default=None)
    if shorter is None or not 0 < losses[top.steps] < losses[shorter] < math.inf:
        return 0.0
    return math.log(losses[shorter] / losses[top.steps]) / math.log2(top.steps / shorter)


def _beside(ladder: Ladder, top: Tried, *, experiment: Experiment, proposed: Sequence[int]) -> Arm:
    """The longest run of the best choice that the first proposed size can be run as long as; else the best of the lowest rung."""
    of_top = [one.arms[0] for one in sorted(ladder.tried(), key=lambda one: -one.steps) if one.joint == top.joint]
    payable = [arm for arm in of_top for size in proposed[:1] if comparison_examples(ladder.lab, experiment, beside=arm, size=size) <= ladder.lab.left]
    return payable[0] if payable else ladder.tried(ladder.lowest_steps)[0].arms[0]
