"""Batch size in recipe `report`: the time model and the noise scale of a short run propose, runs of the same modelled time decide (report, remark 4)."""

import dataclasses
from collections.abc import Sequence

from tunesmith.probes.batch_size import batch_size
from tunesmith.reading.batch_times import contenders
from tunesmith.recipe.allowance import STAGE_RUNS
from tunesmith.recipe.batch_choice import decide, kept, moved, sampling_of, timed
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import Tuning, short_steps
from tunesmith.recipe.time_model import TimeModel

LATER_STAGES = ("momentum", "weight_decay")


def choose_batch_size(lab: Laboratory, tuning: Tuning, limits: Limits, *, sizes: Sequence[int], times: TimeModel) -> Tuning:
    """The settings at the batch size that reaches a target soonest; the first one where none is clearly faster.

    Costs a short run at the first size, with its gradient samples, and one of the same time at each size that is worth it. The larger of two batches takes
    more examples in the same time: what goes beyond the price of a short run must leave the later stages theirs.
    """
    settings = tuning.settings
    sampling = sampling_of(lab, times, base=settings.batch_size)
    if sampling is None or "batch_size" not in tuning.short.stages or tuning.short.examples + sampling.examples > lab.left:
        finding = kept(settings.batch_size, limits, sizes=sizes, times=times.seconds_per_step, is_sampled=sampling is not None)
        return dataclasses.replace(tuning, findings=(*tuning.findings, finding))
    steps = short_steps(lab, tuning, batch_size=settings.batch_size)
    lab.progress.stage("batch_size", f"A short annealed run of {steps} updates at batch size {settings.batch_size}, with samples of its gradients.")
    first = batch_size(
        lab.task, settings, seconds_per_step=times.seconds_per_step, total_steps=steps, sizes=[settings.batch_size],
        planned_steps=lab.task.steps_at(settings.batch_size), sampling=sampling, seed=lab.search_seed(0), valid_examples=tuning.short.valid_examples,
        optimizer_name=lab.checked.acts_like, execute=lab.executor("search"),
    )  # fmt: skip
    gradients = dataclasses.replace(first.arms[0], value=None, label=f"gradients, {first.arms[0].label}")
    experiment = timed([gradients], times, sizes=sizes, n_train=lab.task.n_train)
    proposed = contenders(experiment, base=settings.batch_size)
    later = tuning.short.examples * sum(STAGE_RUNS[stage] for stage in LATER_STAGES if stage in tuning.short.stages)
    reserve = max(0.0, min(later, lab.left - tuning.short.examples))
    reading = decide(lab, experiment, beside=first.arms[0], sizes=proposed, limits=limits, reserve=reserve)
    chosen, _ = moved(settings, lab.task.steps_at(settings.batch_size), reading=reading, lab=lab, limits=limits, keeps_epochs=True)
    return dataclasses.replace(tuning, settings=chosen, findings=(*tuning.findings, *reading.findings))
