"""A study's batch size in sentences, which text and HTML share: what half and double would cost, the noise scale, and how much the size matters."""

import math
from collections.abc import Mapping

from tunesmith.errors import TunesmithError
from tunesmith.plots.batch_size_facts import BatchSizeFacts, SizePlace, batch_size_facts, ratio_text
from tunesmith.plots.digits import interval_text, number_text, percent_text
from tunesmith.reading.batch_size import read_batch_size
from tunesmith.reading.batch_times import WORTH
from tunesmith.report.evidence import Evidence
from tunesmith.report.wording import counted, listed, plain

EXPLAINED = (
    "An update with a larger batch takes longer, but its gradient is less noisy, so that fewer updates are needed. The noise scale tells how many fewer: with "
    "a batch of that many examples, training takes twice the updates that an endlessly large batch would. Far below it, doubling the batch nearly halves the "
    "updates; far above it, it saves none."
)
"""What a noise scale is, for somebody who never heard of it."""
_WORSE = ("worse", "unsteady", "failed")
"""States of sizes that runs spoke against."""


def batch_size_of(evidence: Evidence) -> BatchSizeFacts | None:
    """What a study's batch size says; None where it has no experiment on it with times or gradient samples, or one that cannot be read."""
    experiment = evidence.experiment("batch_size")
    if experiment is None or (experiment.times is None and not any(arm.run.curve.gradients for arm in experiment.arms)):
        return None
    try:
        reading = read_batch_size(experiment, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better)
        return batch_size_facts(reading, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better, experiment=experiment)
    except TunesmithError:  # a stranger's study may hold anything that fits its tables
        return None


def times_text(ratio: float) -> str:
    """How many times as long.

    Example:
        >>> times_text(1.2057), times_text(0.98)
        ('1.21 times as long', '0.98 times as long')
    """
    return f"{ratio_text(ratio)} times as long"


def choice_sentence(facts: BatchSizeFacts) -> str:
    """Which size is predicted to be fastest, and why another was taken where it was."""
    size, known = facts.chosen.size.batch_size, [place for place in facts.places if place.time is not None]
    if len(known) < 2 or facts.chosen.time is None:  # noqa: PLR2004 (nothing to compare it with)
        if not facts.has_results:
            return f"Which batch size is fastest is not known: {size:,} stays."
        return f"Batch size {size:,} is taken by what runs of the same time ended with."
    fastest = min(known, key=_time_of)
    near = [f"{place.size.batch_size:,}" for place in known if place is not facts.chosen and _time_of(place) <= 1 + WORTH]
    if fastest is facts.chosen:
        verb = "is" if len(near) == 1 else "are"
        others = f"{listed(near)} {verb} within {percent_text(WORTH)} of it" if near else f"no other is within {percent_text(WORTH)} of it"
        return f"Batch size {size:,} is predicted to reach the same loss soonest; {others}."
    lost = [place for place in known if _time_of(place) < _time_of(facts.chosen) and place.size.state in _WORSE]
    slower = f"Batch size {fastest.size.batch_size:,} is predicted to reach the same loss soonest, and {size:,} to take {times_text(_time_of(facts.chosen))}"
    if lost:
        why = f"runs of the same time did not bear out {listed([f'{place.size.batch_size:,}' for place in lost])}"
    elif _time_of(facts.chosen) <= 1 + WORTH:
        taken = "the first one tried stays" if facts.chosen is facts.base else "the smaller one leaves more updates"
        why = f"less than {percent_text(WORTH)} counts as equal, and {taken}"
    else:
        why = "no faster one would end as well in the same epochs, or was found as good in a run of the same time"
    return f"{slower}: {why}."


def _time_of(place: SizePlace) -> float:
    return math.inf if place.time is None else place.time


def noise_sentence(facts: BatchSizeFacts) -> str:
    """The noise scale with its interval, and how it changed; empty where no gradients were sampled."""
    noise = facts.noise
    if noise is None:
        return ""
    if noise.n_samples == 0:
        return "Noise scale of the gradients: not known, for no sample of them could be used."
    how = f"from {counted(noise.n_samples, 'sample')} after {noise.first_step:,} to {noise.last_step:,} updates"
    if facts.scale is None:
        return f"Noise scale of the gradients: not known; {how} the mean gradient cannot be told from its noise."
    if noise.value is not None:
        said = f"{number_text(facts.scale)} examples ({interval_text(noise.interval)})"
    else:
        least = f"at least {number_text(noise.interval[0])}, with no upper bound" if noise.interval[0] > 0 else "with no bounds"
        said = f"about {number_text(facts.scale)} examples, {least}"
    sentences = [f"Noise scale of the gradients: {said}, {how}."]
    if noise.early is not None and noise.late is not None:
        verb = "grew" if noise.late > noise.early else "fell"
        sentences.append(f"It {verb} from {number_text(noise.early)} in the first half of them to {number_text(noise.late)} in the second.")
    return " ".join(sentences)


def doubling_sentence(facts: BatchSizeFacts) -> str:
    """What doubling the batch would do to updates and to the time of one; empty where that is not known."""
    cost = facts.cost_of(2.0)
    if cost is None or facts.scale is None:
        return ""
    size = facts.chosen.size.batch_size
    saved = 1 - (1 + facts.scale / (2 * size)) / (1 + facts.scale / size)
    slower = cost[0].size.seconds_per_step / facts.chosen.size.seconds_per_step - 1
    longer = f"make each {percent_text(slower)} longer" if slower > 0 else "make none longer"
    return f"Doubling the batch of {size:,} would save {percent_text(saved)} of the updates and {longer}."


def directions(evidence: Evidence) -> dict[str, bool]:
    """The loss and the metrics whose direction the study tells → whether higher is better."""
    told = evidence.description.get("metrics")
    metrics = {name: higher for name, higher in told.items() if isinstance(higher, bool)} if isinstance(told, dict) else {}
    return {"loss": False} | metrics | ({} if evidence.goal == "loss" else {evidence.goal: evidence.goal_is_higher_better})


def ranking_sentence(facts: BatchSizeFacts, higher_is_better: Mapping[str, bool]) -> str:
    """How the sizes rank by the loss and by each metric; empty where there is nothing to hold against one another."""
    orders = {name: ranked(facts, name, is_higher_better=higher) for name, higher in higher_is_better.items()}
    orders = {name: order for name, order in orders.items() if len(order) > 1}
    if len(orders) < 2:  # noqa: PLR2004 (the loss alone)
        return ""
    told = listed([f"by {plain(name)} {', '.join(f'{size:,}' for size in order)}" for name, order in orders.items()])
    if len({tuple(order) for order in orders.values()}) == 1:
        return f"In the same time, best first: {told}. They rank alike."
    return (
        f"In the same time, best first: {told}. They rank differently, as they may: in the report the smallest batch was best in loss and worst in accuracy. "
        f"The {plain(facts.goal)} decides, as was fixed beforehand."
    )


def ranked(facts: BatchSizeFacts, name: str, *, is_higher_better: bool) -> list[int]:
    """The sizes whose runs all finished by what they ended with, best first."""
    ends = {place.size.batch_size: place.size.ends[name] for place in facts.places if place.mean is not None and name in place.size.ends}
    return sorted(ends, key=ends.__getitem__, reverse=is_higher_better)


def batch_size_effect(evidence: Evidence) -> tuple[bool | None, str] | None:
    """Whether the batch size was seen to matter, and how much, by the predicted times; None where none is predicted."""
    facts = batch_size_of(evidence)
    if facts is None or len(facts.time_line.x) < 2:  # noqa: PLR2004 (a difference needs two)
        return None
    known = [place for place in facts.places if place.time is not None]
    worst = max(known, key=_time_of)
    if _time_of(worst) <= 1 + WORTH:
        return (
            False,
            f"no size from {known[0].size.batch_size:,} to {known[-1].size.batch_size:,} is predicted to be {percent_text(WORTH)} slower than the fastest",
        )
    if worst is facts.chosen:
        return True, f"{times_text(_time_of(worst))} to the same loss as the fastest, as predicted"
    return True, f"{times_text(_time_of(worst) / _time_of(facts.chosen))} to the same loss at {worst.size.batch_size:,}, as predicted"
