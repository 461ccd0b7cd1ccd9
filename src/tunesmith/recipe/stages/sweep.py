"""Range tests: an exponential bracket for the order of magnitude, then a linear sweep, read for edge and zone."""

import dataclasses

from tunesmith import probes
from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.probes.lr_range import sweep_range
from tunesmith.reading.bracket import bracket_end, next_end
from tunesmith.reading.range_findings import place_text
from tunesmith.reading.range_test import RangeReading, read_range
from tunesmith.recipe.allowance import BRACKET_SHARE, RANGE_SHARE, bracket_steps, range_size
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.settings import Settings

MOST_SWEEPS = 2
_EARLIEST_EDGE = 1 / 10
"""Of the sweep: short runs decide about the peak, so a second sweep is worth its price only where the first says next to nothing (our choice)."""
_LARGEST_IS = "half of the edge, or the upper end of the zone where that is lower"


def run_bracket(lab: Laboratory, settings: Settings, *, share: float = BRACKET_SHARE) -> tuple[Experiment, float]:
    """The bracket and where the linear sweep should end."""
    search = share / BRACKET_SHARE * lab.budget * lab.full_training_examples
    start, end = sweep_range(lab.checked.acts_like)
    lab.progress.stage("bracket", "Sweeping the learning rate exponentially for its order of magnitude.")
    steps = bracket_steps(search_examples=search, batch_size=settings.batch_size)
    experiment = probes.bracket(lab.task, settings, start_lr=start, end_lr=end, steps=steps, seed=lab.search_seed(0), execute=lab.executor("search"))
    curve = experiment.arms[0].run.curve
    end_lr = bracket_end(curve)
    return lab.put(
        dataclasses.replace(experiment, verdict=f"The linear sweep ends at {end_lr:.2g}: where the loss was lost, or four times where it was best.")
    ), end_lr


def run_sweeps(lab: Laboratory, settings: Settings, *, end_lr: float, share: float = RANGE_SHARE) -> tuple[Experiment, RangeReading]:
    """A linear range test; a second one where the first was lost at once, stayed flat, or has its edge in the first tenth.

    A test that never diverged is not repeated: the stage of the peak goes further up by itself.
    """
    search = share / RANGE_SHARE * lab.budget * lab.full_training_examples
    norm_examples = lab.norm_examples(settings.batch_size)
    size = range_size(search_examples=search, batch_size=settings.batch_size, n_valid=lab.checked.n_valid, norm_examples=norm_examples)
    _, highest = sweep_range(lab.checked.acts_like)
    experiment = Experiment(probe="lr_range", arms=())
    for _ in range(MOST_SWEEPS):
        lab.progress.stage("lr_range", f"Range test: learning rate from 0 to {end_lr:.2g} in {size.steps} updates.")
        found = probes.lr_range(
            lab.task, settings, start_lr=0.0, end_lr=end_lr, steps=size.steps, seed=lab.search_seed(0),
            evaluations=size.evaluations, valid_examples=size.valid_examples, execute=lab.executor("search"),
        )  # fmt: skip
        experiment = Experiment(probe="lr_range", arms=experiment.arms + found.arms)
        reading = read_range(found.arms[0].run.curve, thresholds=lab.thresholds)
        again = next_end(reading, end_lr=end_lr, highest=highest, looks_for_edge=False, earliest=_EARLIEST_EDGE)
        if again is None or size.price(settings.batch_size, norm_examples=norm_examples) > lab.left:
            break
        end_lr = again
    experiment = dataclasses.replace(experiment, findings=_as_start(reading), verdict=_verdict(reading))
    return lab.put(experiment), reading


def _as_start(reading: RangeReading) -> tuple[Finding, ...]:
    """The findings, with the rate that the search starts from in the place of the suggestion for those who do not search."""
    if reading.largest_lr is None:
        return reading.findings
    start = Finding(
        kind="suggestion", value=reading.largest_lr, confidence=0.5, evidence=f"The largest peak worth trying: {_LARGEST_IS}.",
        not_established="That the largest rate worth trying is a good peak: short annealed runs at it and below decide.",
    )  # fmt: skip
    return tuple(start if finding.kind == "suggestion" else finding for finding in reading.findings)


def _verdict(reading: RangeReading) -> str:
    if reading.largest_lr is None:
        return f"The range test is {str(reading.outcome).replace('_', ' ')}."
    edge = "No edge in sight" if reading.edge is None else f"The edge lies {place_text(reading.edge)}"
    zone = "" if reading.zone is None else f", the loss is best {place_text(reading.zone)}"
    return f"{edge}{zone}; {reading.largest_lr:.2g} is worth trying as a peak."
