"""Recipe `report`: section 5 of the report as it is written, one probe after another.

Range test → peak confirmed by short annealed runs → batch size → momentum by short runs → weight decay by grid → 1cycle.
It differs from the report where METHOD says that the report misleads: short runs are annealed to zero before they are compared (trap 6), and carry the
total decay of the full training.
"""

import dataclasses
import math

from tunesmith.engine.data import EVALUATION_BATCH_SIZE
from tunesmith.finding import Finding
from tunesmith.plan import StudyOutcome
from tunesmith.reading.range_test import EDGE_FRACTION
from tunesmith.recipe.allowance import FEWEST_SHORT_STEPS, LONGEST_SHORT_RUN, STAGE_RUNS, short_size
from tunesmith.recipe.found import NO_RANGE, Found, first_settings, spent
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.batch import choose_batch_size
from tunesmith.recipe.stages.carry import carry_to_full_length
from tunesmith.recipe.stages.decay import choose_weight_decay, grid, starting_decay
from tunesmith.recipe.stages.momentum import choose_momentum
from tunesmith.recipe.stages.peak import choose_peak
from tunesmith.recipe.stages.state import Tuning
from tunesmith.recipe.stages.sweep import run_bracket, run_sweeps
from tunesmith.recipe.time_model import TimeModel


def search(lab: Laboratory, limits: Limits, *, sizes: list[int], times: TimeModel) -> Found:
    """Every stage in order, each fed by the one before; settings to confirm, or an abstention with its reason.

    Args:
        lab: Where runs are made.
        limits: What the user fixed or bounded.
        sizes: Candidate batch sizes, the first first.
        times: The time model.
    """
    settings = first_settings(lab, limits, batch_size=sizes[0])
    swept: tuple[Finding, ...] = ()
    suggested, largest = limits.clip("lr", settings.lr), None
    if limits.is_free("lr"):
        _, end_lr = run_bracket(lab, settings)
        sweeps, reading = run_sweeps(lab, settings, end_lr=end_lr)
        if reading.largest_lr is None:
            return Found(outcome=StudyOutcome.ABSTAINED, findings=reading.findings, advice=(NO_RANGE[reading.outcome],))
        suggested, swept = limits.clip("lr", reading.largest_lr), sweeps.findings
        largest = None if reading.edge is None else reading.edge[0]
    settings = dataclasses.replace(settings, lr=suggested, min_lr=None)
    settings = dataclasses.replace(settings, weight_decay=limits.clip("weight_decay", starting_decay(grid(lab, settings, limits))))
    stages = tuple(name for name in STAGE_RUNS if limits.is_free("lr" if name == "peak_lr" else name) and (name != "batch_size" or len(sizes) > 1))
    short = short_size(
        left=lab.left, full_training_examples=lab.full_training_examples, batch_size=settings.batch_size,
        n_valid=lab.checked.n_valid, norm_examples=lab.norm_examples(settings.batch_size), stages=stages,
        slice_unit=1 if lab.task.n_valid is not None else EVALUATION_BATCH_SIZE,
    )  # fmt: skip
    if short is None:
        return _too_short(lab, settings.batch_size, findings=swept) if _is_short_of_updates(lab, settings.batch_size) else spent(lab, findings=swept)
    for dropped in (stage for stage in stages if stage not in short.stages):
        lab.progress.message(f"The budget of {lab.budget:g} full trainings has no runs for stage {dropped}: it is left out.")
    tuning = Tuning(settings=settings, short=short, findings=swept)
    tuning = choose_peak(lab, tuning, limits, suggested_lr=suggested, largest_lr=None if largest is None else EDGE_FRACTION * largest)
    if not math.isfinite(min(_final_losses(tuning), default=0.0)):
        return Found(
            outcome=StudyOutcome.ABSTAINED,
            findings=tuning.findings,
            advice=("No short run finished at any learning rate tried: look at the data and the loss, or train in fp32.",),
        )
    tuning = choose_batch_size(lab, tuning, limits, sizes=sizes, times=times)
    tuning = choose_momentum(lab, tuning, limits, largest_lr=largest)
    tuning = choose_weight_decay(lab, tuning, limits)
    tuning = carry_to_full_length(lab, tuning, limits)
    return Found(outcome=StudyOutcome.RECOMMENDED, settings=tuning.settings, findings=tuning.findings)


def _is_short_of_updates(lab: Laboratory, batch_size: int) -> bool:
    """Whether no budget would help: the longest short run, an eighth of a full training, has too few updates beside its evaluation."""
    return LONGEST_SHORT_RUN * lab.full_training_examples / batch_size < 2 * FEWEST_SHORT_STEPS


def _too_short(lab: Laboratory, batch_size: int, *, findings: tuple[Finding, ...]) -> Found:
    steps = lab.task.steps_at(batch_size)
    advice = f"A full training of {steps} updates at batch size {batch_size} is too short to be cut into short runs, whatever the budget. Give more epochs."
    return Found(outcome=StudyOutcome.ABSTAINED, findings=findings, advice=(advice,))


def _final_losses(tuning: Tuning) -> list[float]:
    return [arm.run.curve.final_valid_loss for experiment in tuning.experiments for arm in experiment.arms]
