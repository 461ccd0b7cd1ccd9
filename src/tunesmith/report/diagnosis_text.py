"""A diagnosis as text for a terminal and as one JSON object, and the explanation of every clue."""

import textwrap
from collections.abc import Sequence

from tunesmith.diagnosis import CurveDiagnosis, Diagnosis, Outlook, OutlookOutcome, short_titles
from tunesmith.finding import Finding
from tunesmith.plots.digits import percent_text
from tunesmith.reading.clues import KINDS
from tunesmith.report.explanations import EXPLANATIONS, KNOBS, explanation_of
from tunesmith.report.wording import confidence_word, ended, listed, plain
from tunesmith.settings import Json

DIAGNOSIS_VERSION = 1
"""Version of the JSON object."""
COLUMNS = 100
_INDENT = "  "


def kind_title(kind: str) -> str:
    """A kind of clue for people.

    Example:
        >>> kind_title("early_overfitting_hump")
        'early overfitting hump'
    """
    return plain(kind.replace("_", " "))


def since_text(finding: Finding, curve: CurveDiagnosis) -> str:
    """Since when, in the curve's own unit; empty where it concerns the whole curve.

    Example:
        >>> from tunesmith.log import Series, StepUnit, TrainingLog
        >>> log = TrainingLog(name="log.csv", source="CSV", step_unit=StepUnit.STEP, valid_loss=Series.of([0, 5000, 10000], [2, 1, 1.5]))
        >>> finding = Finding(kind="overfitting", since_step=4200, confidence=0.9, evidence="", not_established="")
        >>> since_text(finding, CurveDiagnosis(log=log, findings=(finding,)))
        'since step 4,200 of 10,000'
    """
    if finding.since_step is None:
        return ""
    return f"since {curve.log.step_unit} {finding.since_step:,} of {max(curve.last_step, finding.since_step):,}"


def clue_text(kind: str) -> str:
    """What is seen of a kind of clue, without how it is told from others; empty for a kind that is not known.

    Example:
        >>> clue_text("balanced").startswith("Fell fast"), "(" in clue_text("overfitting"), clue_text("unheard of")
        (True, False, '')
    """
    return KINDS.get(kind, "").partition(" (")[0]


def verdict_text(finding: Finding, curve: CurveDiagnosis) -> str:
    """A clue in a line: what, since when, how sure."""
    return f"{' '.join(filter(None, (kind_title(finding.kind), since_text(finding, curve))))} ({confidence_word(finding.confidence)})"


def diagnosis_text(diagnosis: Diagnosis, *, explains: bool = False) -> str:
    """What curves show, for a terminal: a verdict for each, then clue, evidence and action, the columns that were read, and the comparison.

    Args:
        diagnosis: What was read.
        explains: Whether each clue, and what each knob does, is explained for someone who has never tuned.

    Returns:
        Lines of at most 100 columns, without a newline at the end.
    """
    blocks = [_curve_text(curve, explains=explains) for curve in diagnosis.curves]
    blocks += [columns] if (columns := _columns_text(diagnosis.curves)) else []
    if diagnosis.outlook is not None:
        blocks.append(_outlook_text(diagnosis.outlook, diagnosis.curves))
    blocks += _knob_blocks() if explains else []
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks)


def diagnosis_to_json(diagnosis: Diagnosis) -> dict[str, Json]:
    """The JSON object of `tunesmith diagnose`; the raw curves are not in it."""
    curves: list[Json] = [
        {
            "file": curve.file,
            "run": curve.run,
            "verdict": curve.verdict,
            "findings": [finding.to_dict() for finding in curve.findings],
            "source": curve.log.source,
            "step_unit": str(curve.log.step_unit),
            "last_step": curve.last_step,
            "columns": dict(curve.log.columns),
            "unused": list(curve.log.unused),
            "notes": list(curve.log.notes),
        }
        for curve in diagnosis.curves
    ]
    comparison = None if diagnosis.outlook is None else diagnosis.outlook.to_dict()
    not_read: list[Json] = [file.to_dict() for file in diagnosis.not_read]
    return {"version": DIAGNOSIS_VERSION, "curves": curves, "comparison": comparison, "not_read": not_read}


def all_explanations_text() -> str:
    """Every kind of clue and every knob, explained."""
    blocks = [[kind_title(kind).capitalize(), *_line(rule), *_explained(kind)] for kind, rule in KINDS.items()]
    return "\n\n".join("\n".join(block) for block in [["The clues, what matters most first"], *blocks, *_knob_blocks()])


def all_explanations_to_json() -> dict[str, Json]:
    """The same as one JSON object."""
    kinds: list[Json] = [
        {"kind": kind, "rule": rule, "means": explanation_of(kind).means, "knobs": list(explanation_of(kind).knobs)} for kind, rule in KINDS.items()
    ]
    knobs: list[Json] = [{"name": knob.name, "large": knob.large, "small": knob.small, "trades": knob.trades} for knob in KNOBS]
    return {"version": DIAGNOSIS_VERSION, "kinds": kinds, "knobs": knobs}


def _knob_blocks() -> list[list[str]]:
    knobs = [[knob.name, *_line(f"Large: {knob.large}"), *_line(f"Small: {knob.small}"), *_line(f"Trades against: {knob.trades}")] for knob in KNOBS]
    return [["What each knob does"], *knobs]


def _curve_text(curve: CurveDiagnosis, *, explains: bool) -> list[str]:
    lines = [*_line(curve.title, indent=""), *_line(f"Verdict: {verdict_text(curve.findings[0], curve)}", indent="")]
    for at, finding in enumerate(curve.findings):
        if at:
            lines += ["", *_line(f"Also: {verdict_text(finding, curve)}", indent="")]
        lines += _line(f"Clue: {clue_text(finding.kind)}") if finding.kind in KINDS else []
        lines += _line(f"Evidence: {ended(finding.evidence)}")
        lines += _line(f"Do: {ended(finding.action) or 'nothing.'}")
        lines += _line(f"Not established: {ended(finding.not_established)}") if finding.not_established else []
        lines += _explained(finding.kind) if explains else []
    notes = [line for note in curve.log.notes for line in _line(f"Note: {ended(note)}", indent="")]
    return [*lines, "", *notes] if notes else lines


def _columns_text(curves: tuple[CurveDiagnosis, ...]) -> list[str]:
    """What was read as what; once where it is the same in all curves."""
    said: dict[str, list[str]] = {}
    for curve, title in zip(curves, short_titles(curves), strict=True):
        said.setdefault("\n".join(_columns_of(curve)), []).append(title)
    if len(said) == 1:
        return [line for text in said if text for line in text.splitlines()]
    return [line for text, titles in said.items() if text for line in (*_line(f"Of {listed(_few(titles, most=3))}:", indent=""), *text.splitlines())]


def _columns_of(curve: CurveDiagnosis) -> list[str]:
    log = curve.log
    taken = [f"{name.replace('_', ' ')} from {column!r}" if name != column else name.replace("_", " ") for name, column in log.columns.items()]
    source = "" if log.source == "CSV" else f" ({log.source})"
    lines = _line(f"Columns{source}: {listed(taken)}.", indent="") if taken else []
    return lines + (_line(f"Not used: {listed(_few(log.unused))}.", indent="") if log.unused else [])


def _few(names: Sequence[str], *, most: int = 8) -> list[str]:
    return list(names) if len(names) <= most else [*names[:most], f"{len(names) - most} more"]


def _explained(kind: str) -> list[str]:
    explanation = EXPLANATIONS.get(kind)
    if explanation is None:
        return []
    lines = _line(f"What it means: {explanation.means}")
    if explanation.knobs:
        lines += [f"{_INDENT}What helps, the cheapest first:"]
        lines += [line for at, knob in enumerate(explanation.knobs, start=1) for line in _line(knob, bullet=f"{at}. ", indent=2 * _INDENT)]
    return lines


def _outlook_text(outlook: Outlook, curves: tuple[CurveDiagnosis, ...]) -> list[str]:
    lines = _line(f"Which will end better: {outlook_text(outlook, curves)}", indent="")
    lines += _line(f"Evidence: {ended(outlook.evidence)}")
    lines += [line for sentence in standing_sentences(outlook, curves) for line in _line(sentence, bullet="- ")]
    lines += _line(f"Do: {ended(outlook.action)}") if outlook.action else []
    return [*lines, *(_line(f"Not established: {ended(outlook.not_established)}") if outlook.not_established else [])]


def outlook_text(outlook: Outlook, curves: tuple[CurveDiagnosis, ...]) -> str:
    """Which of several curves will end better, in a few words."""
    if outlook.outcome is OutlookOutcome.CANNOT_TELL or outlook.best is None:
        return "cannot tell yet"
    return f"{plain(short_titles(curves)[outlook.best])} (probability {percent_text(outlook.probability)})"


def standing_sentences(outlook: Outlook, curves: tuple[CurveDiagnosis, ...]) -> list[str]:
    """How many others each curve is better and worse than, the best first; nothing for two curves, whose comparison is said already."""
    if len(curves) == 2:  # noqa: PLR2004 (a pair)
        return []
    decided = [pair for pair in outlook.pairs if pair.outcome is OutlookOutcome.DECIDED]
    better = [sum(pair.better == at for pair in decided) for at in range(len(curves))]
    worse = [sum(pair.worse == at for pair in decided) for at in range(len(curves))]
    titles = [plain(title) for title in short_titles(curves)]
    order = sorted(range(len(curves)), key=lambda at: (worse[at] - better[at], at))
    others = len(curves) - 1
    return [f"{titles[at]}: better than {better[at]}, worse than {worse[at]}, not told from {others - better[at] - worse[at]}" for at in order]


def _line(text: str, *, indent: str = _INDENT, bullet: str = "") -> list[str]:
    further = indent + " " * len(bullet) if bullet else indent + _INDENT
    return textwrap.wrap(plain(text), COLUMNS, initial_indent=indent + bullet, subsequent_indent=further, break_on_hyphens=False, break_long_words=True)
