"""One LR range test for a single probe: as far as it must go, made once more where it went too far or not far enough."""

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith import probes
from tunesmith.experiment import Arm, Experiment
from tunesmith.probes.lr_range import found_end, sweep_range
from tunesmith.reading.bracket import next_end
from tunesmith.reading.range_test import RangeReading, read_range
from tunesmith.recipe.allowance import SWEEP_EVALUATIONS
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.probe_study import validation_of
from tunesmith.settings import Settings


@dataclass(frozen=True)
class Sweep:
    """A range test that was made, and what was read from it."""

    arm: Arm
    reading: RangeReading
    end_lr: float
    length: int


def make_sweep(lab: Laboratory, settings: Settings, *, start_lr: float | None, end_lr: float | None, length: int) -> tuple[Sweep, tuple[Arm, ...]]:
    """One range test, and the sweeps that it took the place of.

    Where nobody said how far, a bracket does, and a sweep that went much too far or not far enough is made once more. `tune` does not go farther where a
    sweep saw no edge: its budget ends, and its stage of the peak goes up by itself. Here is no budget and no later stage: the suggestion is the answer.
    """
    if end_lr is not None:
        sweep = one_sweep(lab, settings, start_lr=start_lr, end_lr=end_lr, length=length)
        put_sweeps(lab, [sweep.arm], sweep.reading)
        return sweep, ()
    bracket, end_lr = found_end(lab.task, settings, seed=lab.search_seed(0), execute=lab.executor("search"), optimizer_name=lab.checked.acts_like)
    lab.put(Experiment(probe="bracket", arms=(bracket,), verdict=f"The linear sweep ends at {end_lr:.2g}."))
    sweep = one_sweep(lab, settings, start_lr=start_lr, end_lr=end_lr, length=length)
    put_sweeps(lab, [sweep.arm], sweep.reading)
    again = next_end(sweep.reading, end_lr=end_lr, highest=sweep_range(lab.checked.acts_like)[1])
    if again is None or again <= (start_lr or 0.0):
        return sweep, ()
    second = one_sweep(lab, settings, start_lr=start_lr, end_lr=again, length=length)
    put_sweeps(lab, [sweep.arm, second.arm], second.reading)
    return second, (sweep.arm,)


def one_sweep(lab: Laboratory, settings: Settings, *, start_lr: float | None, end_lr: float, length: int) -> Sweep:
    """A linear sweep as far as `end_lr`, read; not stored yet."""
    lab.progress.stage("lr_range", f"Range test: learning rate to {end_lr:.2g} in {length} updates.")
    evaluations, valid_examples = validation_of(lab, steps=length, batch_size=settings.batch_size, evaluations=SWEEP_EVALUATIONS)
    found = probes.lr_range(
        lab.task,
        settings,
        start_lr=start_lr or 0.0,
        end_lr=end_lr,
        steps=length,
        seed=lab.search_seed(0),
        evaluations=evaluations,
        valid_examples=valid_examples,
        execute=lab.executor("search"),
    )
    reading = read_range(found.arms[0].run.curve, thresholds=lab.thresholds)
    return Sweep(arm=found.arms[0], reading=reading, end_lr=end_lr, length=length)


def put_sweeps(lab: Laboratory, arms: Sequence[Arm], reading: RangeReading) -> None:
    """Store every sweep that was made, the one that was read last."""
    lab.put(Experiment(probe="lr_range", arms=tuple(arms), findings=reading.findings, verdict=reading.advice))
