"""The sections on several conditions or networks at once: range tests over one another, and loss over capacity."""

from tunesmith.errors import CurveError
from tunesmith.plots.digits import interval_text, number_text
from tunesmith.plots.overlays import OverlayFacts, capacity_facts, overlay_facts
from tunesmith.reading.capacity import CapacityReading, read_capacity
from tunesmith.reading.conditions import ConditionsReading, read_conditions
from tunesmith.report.charts import capacity_figure, overlay_figure
from tunesmith.report.evidence import Evidence
from tunesmith.report.figure import Plots, figure
from tunesmith.report.findings import findings_of, numbers_of, seeds_text, verdict_of
from tunesmith.report.markup import Markup, joined, table
from tunesmith.report.wording import counted, plain, probe_title

_LARGE = 400


def conditions_section(evidence: Evidence, plots: Plots) -> Markup:
    """Range tests under conditions over one another, ranked."""
    experiment = evidence.experiment("lr_range_under")
    if experiment is None or not experiment.arms:
        return Markup("")
    try:
        reading = read_conditions(experiment)
    except CurveError:  # a stranger's study may hold anything
        return joined([verdict_of(experiment), findings_of(experiment), numbers_of(evidence, [experiment])])
    facts = overlay_facts(experiment, reading)
    place = plots.add(overlay_figure(facts), name=probe_title("lr_range_under"), height=_LARGE)
    caption = (
        f"{counted(len(facts.ranked), 'condition')}, {counted(max(shown.band.n for shown in facts.ranked), 'sweep')} each of {facts.steps:,} updates, "
        f"{seeds_text(experiment)}; repeats as their mean. Smoothed by a centred Gaussian of {number_text(facts.width, digits=2)} "
        f"{'evaluations' if facts.is_validation else 'updates'}. A dot is the largest rate with a flat loss, an upright line the edge."
    )
    claim = "The condition that tolerates the largest rate with a flat loss is the balance sought."
    box = figure(place, claim=claim, caption=caption)
    return joined([verdict_of(experiment), box, _ranks(facts, reading), findings_of(experiment), numbers_of(evidence, [experiment])])


def _ranks(facts: OverlayFacts, reading: ConditionsReading) -> Markup:
    head = ("", "Condition", "Flat to", "Edge", "Best loss", "Read by itself")
    rows = [
        (
            str(rank),
            plain(shown.condition.label) + (" (cannot be told from the first)" if rank > 1 and shown.condition.label in reading.close else ""),
            number_text(shown.condition.tolerated_lr),
            interval_text(shown.condition.edge),
            number_text(shown.condition.best_loss) + ("" if shown.condition.is_as_good else ", worse"),
            str(shown.condition.outcome).replace("_", " "),
        )
        for rank, shown in enumerate(facts.ranked, start=1)
    ]
    return table(head, rows, numbers=(2,))


def capacity_section(evidence: Evidence, plots: Plots) -> Markup:
    """Loss over capacity, its parts named."""
    experiment = evidence.experiment("capacity")
    if experiment is None or not experiment.arms:
        return Markup("")
    try:
        reading = read_capacity(experiment, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better)
    except CurveError:
        return joined([verdict_of(experiment), findings_of(experiment), numbers_of(evidence, [experiment])])
    sign = -1 if evidence.goal != "loss" and evidence.goal_is_higher_better else 1
    facts = capacity_facts(reading, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better)
    place = plots.add(capacity_figure(facts), name=probe_title("capacity"), height=_LARGE)
    seeds = max(len(network.losses) for network in reading.networks)
    caption = (
        f"{counted(len(reading.networks), 'network')} on {counted(seeds, 'seed')}, each annealed at its own learning rate; not smoothed. Dots: one a run. "
        f"Standard deviation between seeds {number_text(reading.noise, digits=2)}. Overfitting comes late: a full training may show more of it."
    )
    box = figure(place, claim=_capacity_claim(reading), caption=caption)
    return joined([verdict_of(experiment), box, _networks(reading, sign=sign), findings_of(experiment), numbers_of(evidence, [experiment])])


def _capacity_claim(reading: CapacityReading) -> str:
    parts = list(dict.fromkeys(network.part for network in reading.networks if network.part != "unknown"))
    return f"With capacity the loss is {', then '.join(parts)}." if parts else "No part can be named."


def _networks(reading: CapacityReading, *, sign: int) -> Markup:
    rows = [
        (plain(network.label), f"{network.n_parameters:,.0f}", number_text(sign * network.loss), number_text(network.max_lr), network.part)
        for network in reading.networks
    ]
    return table(("Network", "Trained parameters", "Mean result", "Peak learning rate", "Part"), rows, numbers=(1, 2, 3))
