"""The section on the ladder: joint choices over the length of their runs, the lowest rung over the peak, and a table that is their legend."""

import dataclasses

from tunesmith.experiment import Experiment
from tunesmith.plots.ladder_facts import LadderFacts, LadderLine, ladder_facts
from tunesmith.reading.ladder import FALLING, LEVEL, ONE_RUNG, RISING, LadderReading
from tunesmith.report.evidence import Evidence
from tunesmith.report.figure import Plots, figure
from tunesmith.report.findings import findings_of, numbers_of, seeds_text, verdict_of
from tunesmith.report.ladder_charts import lengths_figure, peaks_figure
from tunesmith.report.ladder_table import contrast_lead, contrast_lines, ladder_of, ladder_table
from tunesmith.report.markup import Markup, element, joined, table
from tunesmith.report.wording import OF_BATCH_SIZE, counted, plain, probe_title

_HEIGHT = 400
_SIGNS = (("●", "○"), ("■", "□"), ("◆", "◇"), ("▲", "△"))
"""Filled and hollow, by the number of the momentum: the points of the figure."""


def _as_planned(evidence: Evidence, experiment: Experiment) -> Experiment:
    """With the plan's findings in the place of the search's: confirming may have changed a knob, and says so there. The batch size has a section of its own."""
    elsewhere = OF_BATCH_SIZE if evidence.experiment("batch_size") is not None else frozenset[str]()
    planned = {} if evidence.plan is None else {finding.kind: finding for finding in evidence.plan.findings}
    kept = [finding for finding in experiment.findings if finding.kind not in elsewhere]
    return dataclasses.replace(experiment, findings=tuple(planned.get(finding.kind, finding) for finding in kept))


def ladder_section(evidence: Evidence, plots: Plots) -> Markup:
    """The ladder's runs: who won each rung, where the loss became level, and what the lowest rung tells of each knob."""
    experiment = evidence.experiment("ladder")
    if experiment is None or not experiment.arms:
        return Markup("")
    reading = ladder_of(evidence)
    if reading is None:
        return joined([verdict_of(experiment), findings_of(experiment), numbers_of(evidence, [experiment])])
    facts = ladder_facts(reading, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better)
    lengths = plots.add(lengths_figure(facts), name=f"{probe_title('ladder')}: final validation {evidence.goal} over the length", height=_HEIGHT, share=5)
    peaks = plots.add(peaks_figure(facts), name=f"Final validation {evidence.goal} over the peak, shortest runs", height=_HEIGHT, share=3)
    failed = " A cross, and failed in the table: did not finish, or ended above the loss of an untrained network." if facts.n_failed else ""
    caption = (
        f"{counted(sum(len(point.results) for line in facts.lines for point in line.points), 'run')}, each annealed to its end, {seeds_text(experiment)}; "
        "not smoothed. Over the length: a line a joint choice, whose peak falls like length^-1/4 and whose decay stays; the broad grey line joins the winners, "
        f"the ring marks the best of all. Over the peak: the runs of {facts.lengths[0]:,} updates. Colour, from blue to orange: the peak. "
        f"Shape: the momentum. Hollow: more decay.{failed}"
    )
    box = figure(lengths, peaks, class_="pair uneven", claim=_claim(reading), caption=caption)
    parts = [
        verdict_of(experiment),
        box,
        _choices(facts),
        _contrasts(reading),
        findings_of(_as_planned(evidence, experiment)),
        numbers_of(evidence, [experiment]),
    ]
    return joined(parts)


def _claim(reading: LadderReading) -> str:
    best, first, last = reading.best, reading.rungs[0].steps, reading.rungs[-1].steps
    if best is None:
        return "No run finished."
    said = {
        ONE_RUNG: "One length was tried.",
        FALLING: f"Runs end better and better from {first:,} to {last:,} updates.",
        LEVEL: f"From {reading.level_from or first:,} updates on longer runs end no better.",
        RISING: f"From {reading.level_from or first:,} updates on longer runs end no better, and the longest worse.",
    }
    if reading.outcome == FALLING and any(rung.trend != FALLING for rung in reading.rungs[1:]):
        said[FALLING] = f"Runs still end better at {last:,} updates than at fewer."
    return " ".join(filter(None, (said.get(reading.outcome, ""), f"Best at {best.steps:,} updates: {plain(best.choice.label)}.")))


def _choices(facts: LadderFacts) -> Markup:
    """The joint choices as rows, their results by length: the legend of the figures."""
    head, rows = ladder_table(facts)
    cells = [(_sign(row.line), *row.choice, *(_result(said, has_won=won) for said, won in row.results)) for row in rows]
    note = (
        "Mean final validation result of each choice at each length, in brackets the number of seeds where there are several. "
        "In bold the best of its length, on the seeds that the runs share."
    )
    return joined([table(("", *head), cells, numbers=range(1, len(head) + 1), class_="ladder"), element("p", note, class_="quiet")])


def _sign(line: LadderLine) -> Markup:
    character = _SIGNS[line.shape][0 if line.is_filled else 1]
    return element("span", character, class_="sign", style=f"color:{line.color}")


def _result(said: str, *, has_won: bool) -> str:
    return element("b", said) if has_won else said


def _contrasts(reading: LadderReading) -> Markup:
    """What the lowest rung tells of each knob."""
    if not reading.contrasts:
        return Markup("")
    items = [element("li", element("b", title), f": {said}.") for title, said in contrast_lines(reading)]
    return joined([element("p", f"{contrast_lead(reading)}:"), element("ul", *items)])
