"""The section on the batch size: predicted time, throughput and noise scale as figures, and a table of the sizes with what runs of the same time ended with."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tunesmith.experiment import Experiment
from tunesmith.plots.batch_size_facts import TIME, BatchSizeFacts, SizePlace
from tunesmith.plots.digits import number_text, percent_text
from tunesmith.report.batch_size_charts import noise_figure, results_figure, throughput_figure, times_figure
from tunesmith.report.batch_size_words import (
    EXPLAINED,
    batch_size_of,
    choice_sentence,
    directions,
    doubling_sentence,
    noise_sentence,
    ranked,
    ranking_sentence,
)
from tunesmith.report.evidence import Evidence
from tunesmith.report.figure import Plots, figure
from tunesmith.report.findings import findings_of, numbers_of, seeds_text, verdict_of
from tunesmith.report.markup import Markup, element, joined, table
from tunesmith.report.trials import knob_section
from tunesmith.report.wording import counted, plain

if TYPE_CHECKING:
    from tunesmith.report.canvas import Spec

_TALL, _HEIGHT = 400, 300
"""Heights in pixels."""
_STATES = {"not run": "", "close": "as good", "unknown": "not told apart", "unsteady": "unsteady", "failed": "did not finish"}
"""State of a value → for people, where they are not the same."""
_WAITS = 0.1
"""Waiting for data gets a column where it takes this share of an update at some size (our choice)."""
_FEWEST_RESULTS = 3
"""Sizes that were run, below which the table says enough beside a prediction (our choice)."""

Column = tuple[str, Callable[[SizePlace], str]]
Panel = tuple["Spec", str, str]
"""A figure, what it shows, and how it was made."""


def batch_size_section(evidence: Evidence, plots: Plots) -> Markup:
    """What each size is predicted to cost, why, and how runs of the same time ended; runs of an older study as those of any knob."""
    experiment, facts = evidence.experiment("batch_size"), batch_size_of(evidence)
    if experiment is None or not experiment.arms:
        return Markup("")
    if facts is None:
        return knob_section(evidence, plots, "batch_size")
    unknown = "" if facts.main == TIME or facts.has_results else choice_sentence(facts)
    said = " ".join(filter(None, (noise_sentence(facts), doubling_sentence(facts), unknown)))
    told = (
        {"noise_scale"} if experiment.times is not None else {"noise_scale", "throughput"}
    )  # by the sentence; and without a time model nothing is known of it
    others = tuple(finding for finding in experiment.findings if finding.kind not in told)
    return joined(
        [
            verdict_of(experiment),
            Markup("") if facts.noise is None else element("p", EXPLAINED),
            element("p", said) if said else Markup(""),
            _times(facts, plots),
            _speed(facts, plots),
            _sizes(facts, experiment, evidence),
            element("p", ranking) if (ranking := ranking_sentence(facts, directions(evidence))) else Markup(""),
            findings_of(dataclasses.replace(experiment, findings=others)),
            numbers_of(evidence, [experiment]),
        ]
    )


def _times(facts: BatchSizeFacts, plots: Plots) -> Markup:
    """The prediction, and beside it what runs of the same time ended with, where there are more than the table can show."""
    panels: list[Panel] = []
    if facts.main == TIME:
        said = (
            "A prediction, from the modelled seconds of an update and the noise scale. Ringed: the size to use. Shaded: what the noise scale's interval "
            "allows. It knows nothing of curvature, momentum or how well a network generalises."
        )
        panels.append((times_figure(facts), "Predicted time to the same loss over the batch size", said))
    if sum(bool(place.results) for place in facts.places) >= (_FEWEST_RESULTS if panels else 2):
        failed = " A cross: did not finish." if any(None in place.results for place in facts.places) else ""
        said = f"Results: final validation {plain(facts.goal)} of runs of the same modelled time; a dot a run, not smoothed.{failed}"
        panels.append((results_figure(facts), f"Final validation {facts.goal} over the batch size", said))
    return _figure(panels, plots, claim=choice_sentence(facts), height=_TALL, shares=(5, 3), class_="pair uneven")


def _speed(facts: BatchSizeFacts, plots: Plots) -> Markup:
    """Throughput, and the noise scale on the way: what the prediction is made of."""
    panels: list[Panel] = []
    if facts.has_throughput:
        knee = "" if facts.knee is None else " Knee: where it comes within a fifth of the best."
        said = f"Throughput: by the study's time model. Dashed: if an update took no longer with more examples.{knee}"
        panels.append((throughput_figure(facts), "Throughput over the batch size", said))
    if facts.moments.x:
        panels.append((noise_figure(facts), "Noise scale over the updates", _noise_caption(facts)))
    claim = _throughput_claim(facts) if facts.has_throughput else "How noisy gradients were."
    return _figure(panels, plots, claim=claim, height=_HEIGHT, shares=(2, 2), class_="pair")


def _figure(panels: list[Panel], plots: Plots, *, claim: str, height: int, shares: tuple[int, int], class_: str) -> Markup:
    if not panels:
        return Markup("")
    widths = (1,) if len(panels) == 1 else shares
    places = [plots.add(spec, name=name, height=height, share=share) for (spec, name, _), share in zip(panels, widths, strict=True)]
    return figure(*places, claim=claim, caption=" ".join(said for _, _, said in panels), class_="single" if len(panels) == 1 else class_)


def _throughput_claim(facts: BatchSizeFacts) -> str:
    line, timed = facts.rate_line, [place for place in facts.places if place.rate is not None]
    first, last = timed[0].size.batch_size, timed[-1].size.batch_size
    level = " and does not level off" if facts.knee is None else f"; from {facts.knee.size.batch_size:,} on it is within a fifth of the best"
    return f"From batch size {first:,} to {last:,} throughput changes {number_text(line.y[-1] / line.y[0], digits=2)}-fold{level}."


def _noise_caption(facts: BatchSizeFacts) -> str:
    lost = "" if not facts.n_lost else f"; {counted(facts.n_lost, 'moment')} left out where the mean gradient is lost in its noise"
    blue = " Blue: the value reckoned with, and its interval." if facts.scale is not None else ""
    return f"Noise scale: a dot each moment of the longest runs at which gradients were sampled{lost}.{blue} Dotted: the batch size to use."


def _sizes(facts: BatchSizeFacts, experiment: Experiment, evidence: Evidence) -> Markup:
    """A row a size: how fast it is, what is predicted, and what its runs ended with in the same time."""
    columns = [("Batch size", _name_of(facts)), *_speed_columns(facts, experiment), *_result_columns(facts, evidence)]
    rows = [[cell(place) for _, cell in columns] for place in facts.places]
    ran = [place for place in facts.places if place.results]
    said = ["In bold the size to use" + (", and the best loss and goal." if len(ran) > 1 else ".")]
    if len(ran) > 1:
        base = "" if facts.base is None else f", and the others were held against {facts.base.size.batch_size:,}"
        said.append(f"Updates, learning rate and results: of runs that take the same modelled time, {seeds_text(experiment)}{base}.")
    elif ran:
        said.append("No other size was run beside it.")
    numbers = range(len(columns) - (1 if _has_states(ran) else 0))
    return joined([table([title for title, _ in columns], rows, numbers=numbers, class_="sizes"), element("p", " ".join(said), class_="quiet")])


def _has_states(ran: Sequence[SizePlace]) -> bool:
    """Whether there is something to say of how runs compare: not of one size that finished."""
    return len(ran) > 1 or any(place.mean is None for place in ran)


def _name_of(facts: BatchSizeFacts) -> Callable[[SizePlace], str]:
    return lambda place: element("b", f"{place.size.batch_size:,}") if place is facts.chosen else f"{place.size.batch_size:,}"


def _speed_columns(facts: BatchSizeFacts, experiment: Experiment) -> list[Column]:
    columns: list[Column] = []
    if facts.rate_line.x:
        columns.append(("An update", lambda place: "" if place.rate is None else _duration(place.size.seconds_per_step)))
        columns.append(("Examples a second", lambda place: "" if place.rate is None else number_text(place.rate)))
    loading = {} if experiment.times is None else experiment.times.loading_seconds
    timed = [place.size for place in facts.places if place.rate is not None and place.size.batch_size in loading]
    waits = {size.batch_size: loading[size.batch_size] / size.seconds_per_step for size in timed}
    if max(waits.values(), default=0.0) >= _WAITS:
        columns.append(("Waiting for data", lambda place: percent_text(share) if (share := waits.get(place.size.batch_size)) is not None else ""))
    if facts.time_line.x:
        columns.append(("Predicted time, fastest = 1", lambda place: "" if place.time is None else number_text(place.time)))
    return columns


def _duration(seconds: float) -> str:
    return f"{number_text(seconds)} s" if seconds >= 1 else f"{number_text(1000 * seconds)} ms"


def _result_columns(facts: BatchSizeFacts, evidence: Evidence) -> list[Column]:
    ran = [place for place in facts.places if place.results]
    if not ran:
        return []
    names = sorted({name for place in facts.places for name in place.size.ends} - {"loss"})
    told = directions(evidence)
    return [
        ("Updates", lambda place: f"{place.size.total_steps:,}" if place.results else ""),
        ("Learning rate", lambda place: "" if place.size.lr is None else number_text(place.size.lr)),
        *((f"Final {plain(name)}", _end_of(facts, name, higher_is_better=told.get(name))) for name in ("loss", *names)),
        *([("Runs", _state_of)] if _has_states(ran) else []),
    ]


def _state_of(place: SizePlace) -> str:
    is_partly = None in place.results and any(result is not None for result in place.results)
    return "not on every seed" if is_partly else _STATES.get(place.size.state, place.size.state)


def _end_of(facts: BatchSizeFacts, name: str, *, higher_is_better: bool | None) -> Callable[[SizePlace], str]:
    order = ranked(facts, name, is_higher_better=higher_is_better) if higher_is_better is not None else list[int]()

    def cell(place: SizePlace) -> str:
        value = place.size.ends.get(name)
        said = "" if not place.results else number_text(value if value is not None and math.isfinite(value) else None, digits=4)
        return element("b", said) if len(order) > 1 and place.size.batch_size == order[0] else said

    return cell
