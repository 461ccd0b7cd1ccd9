"""The batch size by itself, in a study of its own: what `tunesmith batch-size` calls."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.engine import Fit
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.fleet import TaskChanges
from tunesmith.probes.batch_size import batch_size as runs_in_time
from tunesmith.reading.batch_size import BatchSizeReading
from tunesmith.reading.batch_times import contenders
from tunesmith.recipe.batch_choice import candidate_sizes, read_sizes, sampling_of, stored, timed, with_contenders
from tunesmith.recipe.fitting import check_where_it_fits, cost_of, fit_of, halved_where_it_ran_out, in_micro_batches
from tunesmith.recipe.knob_runs import checked_options, found_peak, run_size, starting_point
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.loader import fixed_size_of, in_batches_of, in_multiples
from tunesmith.recipe.probe_study import open_probe_study, write_study_report
from tunesmith.recipe.progress import Progress
from tunesmith.recipe.time_model import TimeModel, find_time_model, read_time_model
from tunesmith.settings import Json, Settings
from tunesmith.task import Task

USUAL_SHARE, FEWEST_USUAL_STEPS = 1 / 16, 40
"""Length of a run at the base if nobody says: this share of a full training, or less, see `RIVALRY_SHARE`, and the least of it (our choice)."""
RIVALRY_SHARE = 0.11
"""Of a full training, in examples: a run at the base and one at the size of the best throughput together (our choice: with what fits, timing and samples of
gradients, .04 more, the whole probe then takes .15)."""
WEIGHT_DECAY = 0.0


@dataclass(frozen=True, kw_only=True)
class BatchSizeResult:
    """What `tunesmith batch-size` found.

    Attributes:
        reading: The sizes beside one another, and which to use.
        fit: What goes through the network at once; None where the task says itself, or the device's memory cannot be measured.
        micro_batch_size: Of the suggestion: what goes through at once; None where all of it does.
    """

    reading: BatchSizeReading
    fit: Fit | None
    micro_batch_size: int | None

    def to_dict(self) -> dict[str, Json]:
        """The JSON document of `tunesmith batch-size` (docs/command-line.md)."""
        fits: dict[str, Json] | None = None
        if self.fit is not None:
            fits = {"at_once": self.fit.largest, "is_limited_by_memory": not self.fit.is_capped, "limit_bytes": self.fit.limit_bytes}
        return self.reading.to_dict() | {"micro_batch_size": self.micro_batch_size, "fits": fits}


def batch_size(
    task: Task,
    *,
    out: str | Path,
    seed: int = 0,
    device: str = "auto",
    sizes: Sequence[int] | None = None,
    repeats: int = 1,
    lr: float | None = None,
    steps: int | None = None,
    schedule: str | None = None,
    fixed: Mapping[str, float] | None = None,
    time_model: str | Path | None = None,
    progress: Progress | None = None,
) -> BatchSizeResult:
    """Total batch size at equal wall time: what fits, what is fast, how noisy gradients are, and short annealed runs that end at the same modelled second.

    Costs `repeats` runs of `steps` updates at the first batch size, with samples of gradients, and as many of the same modelled time at each size that promises
    to be clearly faster, or at each of `sizes`; and for timing and memory .04 of a training. Without `lr` also what `lr_range` costs.

    Args:
        task: What to train.
        out: Folder of the study.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        sizes: Total batch sizes to run, each from 1 to the training examples; the first is the nearest of them to the usual one, unless `fixed` has it.
            Default: doubles and halves of the first that leave 300 updates and a quarter of the data; of these the ones that are predicted to be clearly
            faster than the first.
        repeats: Seeds of each size, the same for all; ≥ 1. With one the noise is unknown: then a size is taken unless it ends clearly worse.
        lr: Peak at the first batch size. Default: what a range test suggests.
        steps: Updates of each run at the first batch size, ≥ 20. Default: a sixteenth of a full training, at least 40; without `sizes` fewer where a larger
            size sees many more examples in the same time, so that its run and the first's take .11 of a full training.
        schedule: Name in `tunesmith.schedules.SCHEDULES`; None means the task's.
        fixed: batch_size (the first one), momentum (constant; default: .95 falling to .85), weight_decay (of the full training; default 0) and epochs.
        time_model: Another machine's `time_model.json`; None measures here, once.
        progress: Hears what happens.

    Returns:
        The sizes beside one another, which to use, and what half or double would cost.

    Raises:
        InputError: Numbers out of their range, another machine's time model that lacks the first size or one of `sizes`, or sizes that cannot be cut into parts
            that fit or that a loader gives.
        BudgetError: `steps` < 20.
        TaskError: A task that contradicts itself, or of which not even the smallest batch fits.
        UserCodeError: The task's own code raised.
        StudyError: A folder that cannot be used, or that holds another study.
        CurveError: Without `lr`, a range test that suggests nothing.
    """
    held = checked_options("batch_size", fixed, repeats=repeats, lr=lr, steps=steps, schedule=schedule)
    task = TaskChanges(schedule=schedule, epochs=held.get("epochs")).made_in(task)
    _check_sizes(sizes, first=held.get("batch_size"), n_train=task.n_train)
    given = None if time_model is None else Path(time_model)
    if given is not None:
        read_time_model(given)  # raises before anything is written
    of_loader = fixed_size_of(task, batch_size=int(held["batch_size"]) if "batch_size" in held else None)
    task = in_batches_of(task, of_loader)
    with open_probe_study(task, out=out, seed=seed, device=device, probe="batch_size", progress=progress, check=check_where_it_fits) as lab:
        start = _with_knobs(starting_point(lab, held), held)
        tried = _sizes(task, start.batch_size, sizes, is_first_free="batch_size" not in held, of_loader=of_loader)
        start = dataclasses.replace(start, batch_size=tried[0])
        fit = fit_of(task, lab.study, device=lab.device, sizes=tried, budget=1.0, seed=seed, progress=lab.progress)
        lab.charge("what fits", cost_of(fit))
        lab.cut_batches(in_micro_batches(task, fit, sizes=tried))
        with halved_where_it_ran_out(lab.task, fit, lab.study):
            times = find_time_model(lab, tried, given=given, required=tried[:1] if sizes is None else tried)
            settings = dataclasses.replace(start, lr=found_peak(lab, start)[0] if lr is None else lr)
            reading = _compared(lab, settings, times, sizes=sizes, repeats=repeats, steps=steps)
        write_study_report(lab.study)
    micro = lab.task.micro_batch_size
    return BatchSizeResult(reading=reading, fit=fit, micro_batch_size=None if micro is None or micro >= reading.suggestion else micro)


def _compared(lab: Laboratory, settings: Settings, times: TimeModel, *, sizes: Sequence[int] | None, repeats: int, steps: int | None) -> BatchSizeReading:
    """Runs at the first size, then at those that are worth it, or that were asked for; stored with what was read."""
    base = settings.batch_size
    length = _usual_steps(lab.task, times, base=base, has_one_rival=sizes is None) if steps is None else steps
    size = run_size(lab, settings, length)
    sampling = sampling_of(lab, times, base=base, only_where_useful=False)

    def run(batch_sizes: Sequence[int], *, lr_exponent: float) -> Experiment:
        told = ", ".join(map(str, batch_sizes))
        lab.progress.stage("batch_size", f"Runs as long as {length} updates at batch size {base} take, at {told}; {repeats} of each.")
        return runs_in_time(
            lab.task, settings, seconds_per_step=times.seconds_per_step, total_steps=length, planned_steps=size.planned_steps, sizes=batch_sizes,
            lr_exponent=lr_exponent, sampling=sampling, seed=lab.search_seed(0), repeats=repeats, valid_examples=size.valid_examples,
            optimizer_name=lab.checked.acts_like, execute=lab.executor("search"),
        )  # fmt: skip

    first = run([base], lr_exponent=0.5)
    experiment = timed(first.arms, times, sizes=list(times.seconds_per_step), n_train=lab.task.n_train)
    reading = read_sizes(lab, experiment)
    others = [other for other in (contenders(experiment, base=base) if sizes is None else sizes) if other != base and other in times.seconds_per_step]
    for other in others:
        made = run([other], lr_exponent=reading.exponent_to(other, optimizer_name=lab.checked.acts_like))
        experiment = dataclasses.replace(experiment, arms=(*experiment.arms, *made.arms))
        if sizes is None and read_sizes(lab, with_contenders(experiment, [base, *others])).suggestion == other:
            break
    return stored(lab, with_contenders(experiment, [base, *others] if sizes is None else [base, *sizes]))


def _usual_steps(task: Task, times: TimeModel, *, base: int, has_one_rival: bool) -> int:
    """In the same time a size of better throughput sees more examples, so its run costs more: then all are shorter."""
    seconds = times.seconds_per_step
    gain = max(size / seconds[size] for size in seconds) / (base / seconds[base])
    share = min(USUAL_SHARE, RIVALRY_SHARE / (1 + gain)) if has_one_rival else USUAL_SHARE
    return max(FEWEST_USUAL_STEPS, round(share * task.steps_at(base)))


def _with_knobs(start: Settings, held: Mapping[str, float]) -> Settings:
    start = dataclasses.replace(start, weight_decay=held.get("weight_decay", WEIGHT_DECAY))
    return dataclasses.replace(start, momentum=held["momentum"], min_momentum=None) if "momentum" in held else start


def _sizes(task: Task, first: int, sizes: Sequence[int] | None, *, is_first_free: bool, of_loader: int | None) -> list[int]:
    """Sizes to time, the first first; of sizes that are given, the nearest to where we would begin, so that these alone are run."""
    if sizes is not None:
        begin = min(sizes, key=lambda size: (abs(math.log(size / first)), size)) if is_first_free else first
        wanted = [begin, *(size for size in sorted(set(sizes)) if size != begin)]
        return [size for one in wanted for size in in_multiples([one], of_loader, task=task, limits=Limits(fixed={"batch_size": one}, bounds={}))]
    free = Limits(fixed={}, bounds={})
    found = candidate_sizes(task, first=first, limits=free)
    return in_multiples(found, of_loader, task=task, limits=free if is_first_free else Limits(fixed={"batch_size": first}, bounds={}))


def _check_sizes(sizes: Sequence[int] | None, *, first: float | None, n_train: int) -> None:
    if first is not None and not (first == int(first) and 1 <= first <= n_train):
        raise InputError(f"batch_size must be a whole number between 1 and the {n_train} training examples, got {first:g}. Pass another.")
    wrong = next((size for size in sizes or () if not (isinstance(size, int) and 1 <= size <= n_train)), None)
    if wrong is not None or (sizes is not None and not sizes):
        raise InputError(f"sizes must be whole numbers from 1 to the {n_train} training examples, got {wrong!r}. Pass for example 32,64,128.")
