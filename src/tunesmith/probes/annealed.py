"""Short annealed runs: each a whole small cycle down to zero, because ranking at a high learning rate misleads (METHOD, trap 6)."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunesmith.errors import BudgetError, InputError
from tunesmith.experiment import Arm, Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

MICRO_BATCH_SIZE, NORM_MICRO_BATCH_SIZE = 8, 16
"""Examples of a micro-batch whose gradient is sampled: few, since the noise is what is looked for; more where BatchNorm takes its statistics from them (our
choice)."""
POINTS, SAMPLES_A_POINT = 5, 2
"""Moments of a run at which gradients are sampled (our choice: three of them lie in its second half), and samples that the engine takes at each."""


@dataclass(frozen=True, kw_only=True)
class GradientSampling:
    """Where gradients are sampled in a run.

    Attributes:
        points: Updates, evenly spaced.
        micro_batches: Gradients at each.
        micro_batch_size: Examples of each.
    """

    points: int = POINTS
    micro_batches: int = 8
    micro_batch_size: int = MICRO_BATCH_SIZE

    @property
    def examples(self) -> int:
        """What it costs a run, forward and backward."""
        return SAMPLES_A_POINT * self.points * self.micro_batches * self.micro_batch_size

    def asked_of(self, spec: RunSpec) -> RunSpec:
        """The order for a run, with the samples."""
        return dataclasses.replace(
            spec, gradient_points=self.points, gradient_micro_batches=self.micro_batches, gradient_micro_batch_size=self.micro_batch_size
        )


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Settings to try, with what sets them apart.

    Attributes:
        label: A few words for tables.
        value: The knob's value that sets it apart; None where no number does.
        settings: The knobs.
        total_steps: Updates of the run.
    """

    label: str
    value: float | None
    settings: Settings
    total_steps: int


def annealed_runs(
    task: Task,
    candidates: Sequence[Candidate],
    *,
    probe: str,
    seed: int,
    repeats: int = 1,
    evaluations: int = 0,
    valid_examples: int | None = None,
    condition: str = "",
    sampled: Mapping[str, GradientSampling] | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """A short annealed run for each candidate and seed; on one seed all start from the same weights and see the same data order.

    Costs each candidate `repeats` runs of its `total_steps` updates, with `evaluations` + 1 evaluations. Judges nothing: see `reading.comparison` and
    `reading.knob`.

    Args:
        task: What to train; a fresh network is made for each run.
        candidates: Settings and lengths; at least one.
        probe: The experiment's name.
        seed: Fixes initialisation, order and augmentation for all of them: what they share cancels in a comparison.
        repeats: Seeds, `seed`, `seed + 1`, …, shared by all candidates; ≥ 1.
        evaluations: Evaluations on the way.
        valid_examples: Size of the fixed validation slice; None for all of it.
        condition: Name of the changed task, where `task` is one.
        sampled: Label → where its runs sample gradients, which changes nothing in them.
        execute: Where the runs are made. Default: in this process.

    Raises:
        BudgetError: No candidate.
        InputError: `repeats` < 1.
    """
    if not candidates:
        raise BudgetError(f"Probe '{probe}' must have at least one candidate, got none. Pass values to try.")
    if repeats < 1:
        raise InputError(f"repeats must be ≥ 1, got {repeats}. Pass how many seeds every candidate is to be run on.")
    every = [(candidate, seed + repeat) for repeat in range(repeats) for candidate in candidates]
    specs = [
        RunSpec(
            settings=candidate.settings, total_steps=candidate.total_steps, seed=one, evaluations=evaluations, valid_examples=valid_examples,
            reestimates_norm=True, condition=condition,
        )
        for candidate, one in every
    ]  # fmt: skip
    for i, (candidate, _) in enumerate(every):
        if sampled is not None and candidate.label in sampled:
            specs[i] = sampled[candidate.label].asked_of(specs[i])
    runs = execute(task, specs)
    arms = [Arm(label=candidate.label, value=candidate.value, run=run) for (candidate, _), run in zip(every, runs, strict=True)]
    return Experiment(probe=probe, arms=tuple(arms))


def shortened(settings: Settings, *, total_steps: int, planned_steps: int, optimizer_name: str) -> Settings:
    """The settings for a run of `total_steps` that stands for one of `planned_steps`: the same total decay, which ranks better (METHOD, section 2.5).

    Adam's decay is part of the gradient that it normalises, so it has no total decay to keep: it stays as it is.

    Example:
        >>> shortened(Settings(weight_decay=1e-4), total_steps=50, planned_steps=800, optimizer_name="sgd").weight_decay
        0.0016
    """
    stretch = 1.0 if optimizer_name == "adam" else planned_steps / total_steps
    return dataclasses.replace(settings, weight_decay=settings.weight_decay * stretch)
