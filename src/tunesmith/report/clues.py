"""The clues of a training curve on a page: the curve drawn with them, what each says, and what to do in the order of cost."""

from tunesmith.diagnosis import CurveDiagnosis
from tunesmith.finding import Finding
from tunesmith.plots.clue_facts import clue_facts
from tunesmith.plots.facts import MOST_POINTS
from tunesmith.reading.clues import diagnosed
from tunesmith.report.clue_chart import clue_figure
from tunesmith.report.diagnosis_text import action_text, clue_text, kind_title, since_text, verdict_text
from tunesmith.report.evidence import Evidence
from tunesmith.report.explanations import explanation_of
from tunesmith.report.figure import Plots, figure
from tunesmith.report.markup import Markup, element, joined
from tunesmith.report.wording import confidence_word, ended

_HEIGHT = 400
"""Pixels."""
_MOST_RUNS = 3
"""Confirming runs that are drawn, one below the other (our choice); the others are in "Confirmed"."""


def clues_section(evidence: Evidence, plots: Plots) -> Markup:
    """The confirming runs of a study, each with its clues."""
    confirm = evidence.experiment("confirm")
    arms = () if confirm is None else confirm.arms
    blocks: list[Markup] = []
    for arm in arms[:_MOST_RUNS]:
        curve = diagnosed(arm.run, name=arm.title)
        blocks += [element("h3", curve.title)] if len(arms) > 1 else []
        blocks.append(curve_block(curve, plots))
    note = "Read by the defaults of this version, from the raw curves of the confirming run; tunesmith diagnose reads any other training in the same way."
    return joined([*blocks, element("p", note, class_="quiet")]) if blocks else Markup("")


def curve_block(curve: CurveDiagnosis, plots: Plots) -> Markup:
    """One curve: figure, findings, and what helps, the cheapest first."""
    facts = clue_facts(curve)
    verdict = curve.findings[0]
    claim = verdict_text(verdict, curve)
    caption = (
        f"Dots: as recorded, at most {MOST_POINTS} of each. Lines: smoothed by a centred Gaussian, as they are read; less at a steep start. "
        "Dotted upright lines mark where a clue begins, triangles at the edge where a curve leaves the figure."
    )
    place = plots.add(clue_figure(facts), name=f"Losses of {curve.title}, clues marked", height=_HEIGHT)
    return joined([figure(place, claim=f"{claim[0].upper()}{claim[1:]}.", caption=caption), _findings(curve), _remedies(verdict.kind)])


def _findings(curve: CurveDiagnosis) -> Markup:
    items = [
        element(
            "li",
            element("b", kind_title(finding.kind).capitalize()),
            f" {since_text(finding, curve)}" if finding.since_step is not None else "",
            element("span", f", {confidence_word(finding.confidence)}", class_="word"),
            *_details(finding),
        )
        for finding in curve.findings
    ]
    return element("ul", *items, class_="findings")


def _details(finding: Finding) -> list[Markup]:
    """A line each: what is to be seen, what was seen here, what to do, and what that does not show."""
    said = {"Clue": clue_text(finding.kind), "Evidence": finding.evidence, "Do": action_text(finding), "Not established": finding.not_established}
    return [element("div", element("span", f"{word}: ", class_="word"), ended(text)) for word, text in said.items() if text.strip()]


def _remedies(kind: str) -> Markup:
    explanation = explanation_of(kind)
    if not explanation.knobs:
        return Markup("")
    return joined(
        [
            element("p", explanation.means),
            element("p", element("b", "What helps, the cheapest first")),
            element("ol", *(element("li", knob) for knob in explanation.knobs)),
        ]
    )
