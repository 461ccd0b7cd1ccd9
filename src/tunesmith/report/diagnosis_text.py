"""A diagnosis as text for a terminal and as one JSON object, and the explanation of every clue."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.diagnosis import CurveDiagnosis, Diagnosis, Outlook, OutlookOutcome, short_titles
from tunesmith.finding import Finding
from tunesmith.plots.digits import percent_text
from tunesmith.reading.clues import KINDS
from tunesmith.report.explanations import EXPLANATIONS, KNOBS, explanation_of
from tunesmith.report.wording import LIKELY, confidence_word, ended, listed, plain
from tunesmith.settings import Json

DIAGNOSIS_VERSION = 1
"""Version of the JSON object."""
COLUMNS = 100
"""Of a terminal, at most (our choice: longer lines are hard to read)."""
_FEWEST_COLUMNS = 20
_INDENT = "  "
_PAIR = 2
"""Curves whose comparison is said already."""


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A sentence or several, wrapped once the width is known.

    Attributes:
        text: In one line.
        indent: Before each of its lines; those after the first have more.
        bullet: Before the first line.
    """

    text: str
    indent: str = _INDENT
    bullet: str = ""

    def lines(self, columns: int) -> list[str]:
        """Its lines, none wider than that."""
        further = self.indent + (" " * len(self.bullet) or _INDENT)
        return textwrap.wrap(
            plain(self.text), columns, initial_indent=self.indent + self.bullet, subsequent_indent=further, break_on_hyphens=False, break_long_words=True
        ) or [""]  # fmt: skip


Block = list[Paragraph]


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
        >>> clue_text("overfitting").startswith("The validation loss"), "(" in clue_text("overfitting"), clue_text("unheard of")
        (True, False, '')
    """
    return KINDS.get(kind, "").partition(" (")[0]


def verdict_text(finding: Finding, curve: CurveDiagnosis) -> str:
    """A clue in a line: what, since when, how sure."""
    return f"{' '.join(filter(None, (kind_title(finding.kind), since_text(finding, curve))))} ({confidence_word(finding.confidence)})"


def action_text(finding: Finding) -> str:
    """What to do about a clue. Of one that is not even likely, nothing to do is no reassurance.

    Example:
        >>> [action_text(Finding(kind="balanced", confidence=sure, evidence="", not_established="")) for sure in (0.9, 0.4)]
        ['Nothing.', 'This curve does not tell.']
    """
    return ended(finding.action) or ("Nothing." if finding.confidence >= LIKELY else "This curve does not tell.")


def diagnosis_text(diagnosis: Diagnosis, *, explains: bool = False, columns: int = COLUMNS) -> str:
    """What curves show, for a terminal: a verdict for each, then clue, evidence and action, the columns that were read, and the comparison.

    Args:
        diagnosis: What was read.
        explains: Whether each clue, and what each knob does, is explained for someone who has never tuned.
        columns: Width of the terminal; no line is longer, nor longer than 100 (a width below 20 is taken for 20).

    Returns:
        Lines without a newline at the end.
    """
    blocks = [_curve_text(curve, explains=explains) for curve in diagnosis.curves]
    blocks += [read] if (read := _columns_text(diagnosis.curves)) else []
    if diagnosis.outlook is not None:
        blocks.append(_outlook_text(diagnosis.outlook, diagnosis.curves))
    blocks += _knob_blocks() if explains else []
    return _wrapped(blocks, columns=columns)


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


def all_explanations_text(*, columns: int = COLUMNS) -> str:
    """Every kind of clue and every knob, explained, in lines as wide as those of `diagnosis_text`."""
    blocks = [[_title(kind_title(kind).capitalize()), _said(rule), *_explained(kind)] for kind, rule in KINDS.items()]
    return _wrapped([[_title("The clues, what matters most first")], *blocks, *_knob_blocks()], columns=columns)


def all_explanations_to_json() -> dict[str, Json]:
    """The same as one JSON object."""
    kinds: list[Json] = [
        {"kind": kind, "rule": rule, "means": explanation_of(kind).means, "knobs": list(explanation_of(kind).knobs)} for kind, rule in KINDS.items()
    ]
    knobs: list[Json] = [{"name": knob.name, "large": knob.large, "small": knob.small, "trades": knob.trades} for knob in KNOBS]
    return {"version": DIAGNOSIS_VERSION, "kinds": kinds, "knobs": knobs}


def _wrapped(blocks: Sequence[Block], *, columns: int) -> str:
    width = max(_FEWEST_COLUMNS, min(COLUMNS, columns))
    return "\n\n".join("\n".join(line.rstrip() for paragraph in block for line in paragraph.lines(width)) for block in blocks)


def _title(text: str) -> Paragraph:
    return Paragraph(text=text, indent="")


def _said(text: str) -> Paragraph:
    return Paragraph(text=text)


def _knob_blocks() -> list[Block]:
    knobs = [[_title(knob.name), _said(f"Large: {knob.large}"), _said(f"Small: {knob.small}"), _said(f"Trades against: {knob.trades}")] for knob in KNOBS]
    return [[_title("What each knob does")], *knobs]


def _curve_text(curve: CurveDiagnosis, *, explains: bool) -> Block:
    block = [_title(curve.title)]
    for at, finding in enumerate(curve.findings):
        block += [_title(""), _title(f"Also: {verdict_text(finding, curve)}")] if at else [_title(f"Verdict: {verdict_text(finding, curve)}")]
        block += [_said(f"Clue: {clue_text(finding.kind)}")] if finding.kind in KINDS else []
        block += [_said(f"Evidence: {ended(finding.evidence)}"), _said(f"Do: {action_text(finding)}")]
        block += [_said(f"Not established: {ended(finding.not_established)}")] if finding.not_established else []
        block += _explained(finding.kind) if explains else []
    notes = [_title(f"Note: {ended(note)}") for note in curve.log.notes]
    return [*block, _title(""), *notes] if notes else block


def _columns_text(curves: tuple[CurveDiagnosis, ...]) -> Block:
    """What was read as what; once where it is the same in all curves."""
    said: dict[tuple[Paragraph, ...], list[str]] = {}
    for curve, title in zip(curves, short_titles(curves), strict=True):
        said.setdefault(tuple(_columns_of(curve)), []).append(title)
    if len(said) == 1:
        return [paragraph for block in said for paragraph in block]
    return [paragraph for block, titles in said.items() if block for paragraph in (_title(f"Of {listed(_few(titles, most=3))}:"), *block)]


def _columns_of(curve: CurveDiagnosis) -> Block:
    log = curve.log
    taken = [f"{name.replace('_', ' ')} from {column!r}" if name != column else name.replace("_", " ") for name, column in log.columns.items()]
    source = "" if log.source == "CSV" else f" ({log.source})"
    block = [_title(f"Columns{source}: {listed(taken)}.")] if taken else []
    return block + ([_title(f"Not used: {listed(_few(log.unused))}.")] if log.unused else [])


def _few(names: Sequence[str], *, most: int = 8) -> list[str]:
    return list(names) if len(names) <= most else [*names[:most], f"{len(names) - most} more"]


def _explained(kind: str) -> Block:
    explanation = EXPLANATIONS.get(kind)
    if explanation is None:
        return []
    block = [_said(f"What it means: {explanation.means}")]
    if explanation.knobs:
        block += [_said("What helps, the cheapest first:")]
        block += [Paragraph(text=knob, bullet=f"{at}. ", indent=2 * _INDENT) for at, knob in enumerate(explanation.knobs, start=1)]
    return block


def _outlook_text(outlook: Outlook, curves: tuple[CurveDiagnosis, ...]) -> Block:
    block = [_title(f"Which will end better: {outlook_text(outlook, curves)}"), _said(f"Evidence: {ended(outlook.evidence)}")]
    block += [Paragraph(text=sentence, bullet="- ") for sentence in standing_sentences(outlook, curves)]
    block += [_said(f"Do: {ended(outlook.action)}")] if outlook.action else []
    return [*block, *([_said(f"Not established: {ended(outlook.not_established)}")] if outlook.not_established else [])]


def outlook_text(outlook: Outlook, curves: tuple[CurveDiagnosis, ...]) -> str:
    """Which of several curves will end better, in a few words."""
    if outlook.outcome is OutlookOutcome.CANNOT_TELL or outlook.best is None:
        return "cannot tell yet"
    return f"{plain(short_titles(curves)[outlook.best])} (probability {percent_text(outlook.probability)})"


def standing_sentences(outlook: Outlook, curves: tuple[CurveDiagnosis, ...]) -> list[str]:
    """How many others each curve is better and worse than, the best first; nothing for two curves, said already, or where none is better."""
    decided = [pair for pair in outlook.pairs if pair.outcome is OutlookOutcome.DECIDED]
    if len(curves) == _PAIR or not decided:
        return []
    better = [sum(pair.better == at for pair in decided) for at in range(len(curves))]
    worse = [sum(pair.worse == at for pair in decided) for at in range(len(curves))]
    titles = [plain(title) for title in short_titles(curves)]
    order = sorted(range(len(curves)), key=lambda at: (worse[at] - better[at], at))
    others = len(curves) - 1
    return [f"{titles[at]}: better than {better[at]}, worse than {worse[at]}, undecided against {others - better[at] - worse[at]}" for at in order]
