"""The section on the ladder: joint choices over the length of their runs, the lowest rung over the peak, and a table that is their legend."""

import html

from tunesmith.errors import CurveError
from tunesmith.plots.digits import number_text
from tunesmith.plots.ladder_facts import LadderFacts, LadderLine, LadderPoint, ladder_facts
from tunesmith.reading.ladder import FAILED, FALLING, ONE_RUNG, RISING, LadderReading, read_ladder
from tunesmith.reading.ladder_knobs import CLOSE, UNKNOWN, KnobContrast
from tunesmith.report.evidence import Evidence
from tunesmith.report.figure import Plots, figure
from tunesmith.report.findings import findings_of, numbers_of, seeds_text, verdict_of
from tunesmith.report.ladder_charts import lengths_figure, peaks_figure
from tunesmith.report.markup import Markup, element, joined, table
from tunesmith.report.wording import counted, finding_title, listed, plain, probe_title

_HEIGHT = 400
_SIGNS = (("●", "○"), ("■", "□"), ("◆", "◇"), ("▲", "△"))
"""Filled and hollow, by the number of the momentum: the points of the figure."""


def ladder_section(evidence: Evidence, plots: Plots) -> Markup:
    """The ladder's runs: who won each rung, where the loss became level, and what the lowest rung tells of each knob."""
    experiment = evidence.experiment("ladder")
    if experiment is None or not experiment.arms:
        return Markup("")
    try:
        reading = read_ladder(experiment, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better)
    except CurveError:  # a stranger's study may hold anything
        return joined([verdict_of(experiment), findings_of(experiment), numbers_of(evidence, [experiment])])
    facts = ladder_facts(reading, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better)
    lengths = plots.add(lengths_figure(facts), name=f"{probe_title('ladder')}: final validation {evidence.goal} over the length", height=_HEIGHT, share=5)
    peaks = plots.add(peaks_figure(facts), name=f"Final validation {evidence.goal} over the peak, shortest runs", height=_HEIGHT, share=3)
    caption = (
        f"{counted(sum(len(point.results) for line in facts.lines for point in line.points), 'run')}, each annealed to its end, {seeds_text(experiment)}; "
        "not smoothed. Left: a line a joint choice, whose peak falls like length^-1/4 and whose decay stays; the broad grey line joins the winners of the "
        f"lengths, and the ring marks the best of all. Right: the runs of {facts.lengths[0]:,} updates over their peak. Colour, from blue to orange: the peak. "
        f"Shape: the momentum. Hollow: more decay.{' A cross: did not finish, or ended above the loss of an untrained network.' if facts.n_failed else ''}"
    )
    box = figure(lengths, peaks, class_="pair uneven", claim=_claim(reading), caption=caption)
    parts = [verdict_of(experiment), box, _choices(facts), _contrasts(reading), findings_of(experiment), numbers_of(evidence, [experiment])]
    return joined(parts)


def _claim(reading: LadderReading) -> str:
    best, first, last = reading.best, reading.rungs[0].steps, reading.rungs[-1].steps
    if best is None:
        return "No run finished."
    said = f"Best at {best.steps:,} updates: {plain(best.choice.label)}."
    match reading.outcome:
        case str(outcome) if outcome in (ONE_RUNG, FAILED):
            return f"{said} One length was tried." if outcome == ONE_RUNG else said
        case str(outcome) if outcome == FALLING:
            return f"The loss falls all the way from {first:,} to {last:,} updates. {said}" if _falls_throughout(reading) else f"The loss still falls. {said}"
        case str(outcome):
            return f"From {reading.level_from or first:,} updates on the loss is {'rising' if outcome == RISING else 'level'}. {said}"


def _falls_throughout(reading: LadderReading) -> bool:
    return all(rung.trend == FALLING for rung in reading.rungs[1:])


def _choices(facts: LadderFacts) -> Markup:
    """The joint choices as rows, their results by length: the legend of the figures."""
    is_total = any(line.choice.is_total_decay for line in facts.lines)
    conditions = any(line.choice.condition for line in facts.lines)
    head = ("", f"Peak at {facts.lengths[0]:,}", "Momentum", "Total decay" if is_total else "Weight decay", *(["Condition"] if conditions else []))
    lengths = tuple(f"{length:,} updates" for length in facts.lengths)
    rows = [
        (
            _sign(line), number_text(line.choice.lr, digits=2), number_text(line.choice.momentum), number_text(line.choice.decay, digits=2),
            *([plain(line.choice.condition)] if conditions else []), *(_result(facts, line, length) for length in facts.lengths),
        )
        for line in sorted(facts.lines, key=_rank)
    ]  # fmt: skip
    note = (
        "Mean final validation result of each choice at each length; in bold the best of its length, in brackets the number of seeds where there are several."
    )
    shown = table((*head, *lengths), rows, numbers=(1, 2, 3, *range(len(head), len(head) + len(lengths))), class_="ladder")
    return joined([shown, element("p", note, class_="quiet")])


def _rank(line: LadderLine) -> tuple[int, float]:
    """The longest runs first, then the best."""
    last = line.points[-1].score
    return -last.steps, last.loss


def _sign(line: LadderLine) -> Markup:
    character = _SIGNS[line.shape][0 if line.is_filled else 1]
    return Markup(f'<span class="sign" style="color:{html.escape(line.color, quote=True)}">{character}</span>')


def _result(facts: LadderFacts, line: LadderLine, length: int) -> Markup:
    point = next((found for found in line.points if found.score.steps == length), None)
    if point is None:
        return Markup("")
    said = number_text(point.mean) if point.mean is not None else "failed"
    said += f" ({len(point.results)})" if len(point.results) > 1 else ""
    return element("b", said) if _has_won(facts, point) else element("span", said)


def _has_won(facts: LadderFacts, point: LadderPoint) -> bool:
    return (float(point.score.steps), point.mean) in set(zip(facts.winners.x, facts.winners.y, strict=True))


def _contrasts(reading: LadderReading) -> Markup:
    """What the lowest rung tells of each knob."""
    if not reading.contrasts:
        return Markup("")
    items = [element("li", element("b", finding_title(contrast.knob)), f": {contrast_text(contrast)}.") for contrast in reading.contrasts]
    noise = f"noise between seeds {number_text(reading.noise, digits=2)}" if reading.noise > 0 else "the noise between seeds is not known"
    lead = element("p", f"Knob by knob, on the runs of {reading.rungs[0].steps:,} updates, other knobs alike ({noise}):")
    return joined([lead, element("ul", *items)])


def contrast_text(contrast: KnobContrast) -> str:
    """What one knob did, in a sentence without its full stop; text and page say the same.

    Example:
        >>> contrast_text(KnobContrast(knob="momentum", value=0.9, losses={0.9: 0.2, 0.95: 0.4}, close=(0.9,), state="told_apart", confidence=0.75))
        '0.9 is best, and can be told from 0.95'
    """
    others = [value for value in contrast.losses if value != contrast.value]
    close = [value for value in contrast.close if value != contrast.value]
    best = f"{number_text(contrast.value)} is best"
    if contrast.state == UNKNOWN:
        return f"{best} of {listed([number_text(value) for value in contrast.losses])}, on one seed"
    if contrast.state == CLOSE:
        apart = [value for value in others if value not in close]
        rest = f"; {listed([number_text(value) for value in apart])} can" if apart else ""
        return f"{best}, but {listed([number_text(value) for value in close])} cannot be told from it{rest}"
    return f"{best}, and can be told from {listed([number_text(value) for value in others])}"
