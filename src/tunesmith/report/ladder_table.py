"""The ladder in rows and sentences, which text and HTML share: results of joint choices by length, and how much each knob did."""

import math
from dataclasses import dataclass

from tunesmith.errors import CurveError
from tunesmith.plots.digits import number_text, percent_text
from tunesmith.plots.ladder_facts import LadderFacts, LadderLine
from tunesmith.reading.ladder import FALLING, LadderReading, read_ladder
from tunesmith.reading.ladder_knobs import CLOSE, UNKNOWN, KnobContrast
from tunesmith.report.evidence import Evidence
from tunesmith.report.wording import finding_title, listed, plain

_KNOBS = {"peak_lr": ("max_lr",), "momentum": ("momentum",), "weight_decay": ("total_decay", "weight_decay")}
"""Row of the plan → the knob in the reading."""


@dataclass(frozen=True, kw_only=True)
class LadderRow:
    """One joint choice.

    Attributes:
        line: In the figure.
        choice: Its knobs, as text.
        results: (mean result as text, whether it is the best of its length) by length; an empty text where it was not run.
    """

    line: LadderLine
    choice: tuple[str, ...]
    results: tuple[tuple[str, bool], ...]


def ladder_of(evidence: Evidence) -> LadderReading | None:
    """What a study's ladder says; None where it has none, or one that cannot be read."""
    experiment = evidence.experiment("ladder")
    if experiment is None or not experiment.arms:
        return None
    try:
        name = str(evidence.description.get("optimizer", ""))
        return read_ladder(experiment, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better, optimizer_name=name)
    except CurveError:  # a stranger's study may hold anything
        return None


def ladder_table(facts: LadderFacts) -> tuple[tuple[str, ...], tuple[LadderRow, ...]]:
    """Titles and rows: the choices that got furthest first, and of these the best."""
    is_total = any(line.choice.is_total_decay for line in facts.lines)
    conditions = ("Condition",) if any(line.choice.condition for line in facts.lines) else ()
    decay = "Total decay" if is_total else "Weight decay"
    head = (f"Peak at {facts.lengths[0]:,}", "Momentum", decay, *conditions, *(f"{length:,} updates" for length in facts.lengths))
    lines = sorted(facts.lines, key=lambda line: (-line.points[-1].score.steps, line.points[-1].score.loss))
    return head, tuple(_row(facts, line, has_condition=bool(conditions)) for line in lines)


def _row(facts: LadderFacts, line: LadderLine, *, has_condition: bool) -> LadderRow:
    choice = line.choice
    knobs = (number_text(choice.lr, digits=2), number_text(choice.momentum), number_text(choice.decay, digits=2))
    return LadderRow(
        line=line,
        choice=(*knobs, plain(choice.condition) or "as it is") if has_condition else knobs,
        results=tuple(_result(line, length=length) for length in facts.lengths),
    )


def _result(line: LadderLine, *, length: int) -> tuple[str, bool]:
    point = next((found for found in line.points if found.score.steps == length), None)
    if point is None:
        return "", False
    said = "failed" if point.mean is None else number_text(point.mean)
    seeds = f" ({len(point.results)})" if len(point.results) > 1 else ""
    return said + seeds, point.has_won


def contrast_lead(reading: LadderReading) -> str:
    """What the sentences on single knobs are about."""
    noise = f"noise between seeds {number_text(reading.noise, digits=2)}" if reading.noise > 0 else "the noise between seeds is not known"
    return f"Knob by knob, in the runs of {reading.rungs[0].steps:,} updates, other knobs alike ({noise})"


def contrast_lines(reading: LadderReading) -> tuple[tuple[str, str], ...]:
    """Each knob with what the lowest rung that varies it tells of it."""
    lowest = reading.rungs[0].steps
    return tuple(
        (finding_title(contrast.knob), contrast_text(contrast) + ("" if contrast.steps in (0, lowest) else f", in runs of {contrast.steps:,} updates"))
        for contrast in reading.contrasts
    )


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


def ladder_effect(evidence: Evidence, probe: str) -> tuple[bool, str] | None:
    """Whether a row of the plan was seen to matter on the ladder, and how much; None where that does not say.

    Args:
        evidence: A study.
        probe: "peak_lr", "momentum", "weight_decay" or "length".
    """
    reading = ladder_of(evidence)
    if reading is None:
        return None
    sign = -1 if evidence.goal != "loss" and evidence.goal_is_higher_better else 1
    if probe == "length":
        return _length_effect(reading, goal=evidence.goal, sign=sign)
    contrast = next((found for found in reading.contrasts if found.knob in _KNOBS.get(probe, ())), None)
    return None if contrast is None else _knob_effect(contrast, goal=evidence.goal, sign=sign)


def _knob_effect(contrast: KnobContrast, *, goal: str, sign: int) -> tuple[bool, str]:
    values = list(contrast.losses)
    if contrast.state != UNKNOWN and not contrast.matters:
        return False, f"no difference seen from {number_text(min(values))} to {number_text(max(values))}"
    failed = [value for value, loss in contrast.losses.items() if math.isinf(loss)]
    finished = {value: loss for value, loss in contrast.losses.items() if math.isfinite(loss)}
    worst = max(finished, key=finished.__getitem__)
    what = "total decay " if contrast.knob == "total_decay" else ""
    said = [f"{plain(goal)} {_change(sign * finished[contrast.value], sign * finished[worst], is_loss=goal == 'loss')} at {what}{number_text(worst)}"]
    said = (said if worst != contrast.value else []) + ([f"{listed([number_text(value) for value in failed])} failed"] if failed else [])
    return True, "; ".join(said) + (", on one seed" if contrast.state == UNKNOWN else "")


def _length_effect(reading: LadderReading, *, goal: str, sign: int) -> tuple[bool, str] | None:
    finished = [rung.winner for rung in reading.rungs if rung.winner is not None]
    if len(finished) < 2:  # noqa: PLR2004 (a difference needs two)
        return None
    first, last = finished[0], finished[-1]
    change = _change(sign * first.loss, sign * last.loss, is_loss=goal == "loss")
    level = "" if reading.level_from is None else f"; no gain from {reading.level_from:,} on"
    falls = any(rung.trend == FALLING for rung in reading.rungs)
    return falls, f"{plain(goal)} {change} from {first.steps:,} to {last.steps:,} updates{level}"


def _change(best: float, other: float, *, is_loss: bool) -> str:
    if not is_loss or best <= 0:
        return f"{number_text(other)} instead of {number_text(best)}"
    return f"{'+' if other >= best else '-'}{percent_text(abs(other / best - 1))}"
