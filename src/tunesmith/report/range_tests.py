"""The section on range tests: the long sweep on both axes, other sweeps over one another, and the bracket beside."""

import dataclasses

from tunesmith.experiment import Experiment
from tunesmith.plots.digits import number_text
from tunesmith.plots.facts import RangeTestFacts, range_test_facts
from tunesmith.report.charts import range_test_figure, sweep_figure
from tunesmith.report.evidence import Evidence
from tunesmith.report.figure import Plots, figure
from tunesmith.report.findings import findings_of, numbers_of, seeds_text, shown_interval, verdict_of
from tunesmith.report.markup import Markup, joined
from tunesmith.report.wording import counted, ended, plain

_LARGE, _MIDDLE, _SMALL = 380, 320, 260
"""Heights in pixels."""


def range_section(evidence: Evidence, plots: Plots) -> Markup:
    """The long sweep on both axes, other sweeps over one another, and the bracket beside."""
    bracket, sweep = evidence.experiment("bracket"), evidence.experiment("lr_range")
    if sweep is None or not sweep.arms:
        return joined([verdict_of(bracket), _bracket_figure(plots, bracket), findings_of(bracket)]) if bracket is not None and bracket.arms else Markup("")
    finding = {found.kind: found for found in reversed(sweep.findings)}
    edge, zone = shown_interval(finding.get("edge")), shown_interval(finding.get("zone")) or shown_interval(finding.get("suggestion"))
    suggested = finding["suggestion"].value if "suggestion" in finding else None
    facts = range_test_facts(sweep.arms[-1].run.curve, edge=edge, zone=zone)
    linear = plots.add(range_test_figure(facts, is_logarithmic=False, suggested=suggested), name="Loss against learning rate", height=_LARGE)
    beside = plots.add(
        range_test_figure(facts, is_logarithmic=True), name="Loss against the logarithm of the learning rate", height=_SMALL, share=5 if bracket else 1
    )
    small = [_bracket_plot(plots, bracket)] if bracket is not None and bracket.arms else []
    return joined(
        [
            verdict_of(sweep),
            figure(linear, claim=_range_claim(facts), caption=_range_caption(sweep, facts)),
            figure(beside, *small, class_="pair uneven" if small else "single", claim=_second_claim(bracket), caption=_second_caption(bracket)),
            _sweeps(plots, sweep),
            findings_of(sweep),
            findings_of(bracket),
            numbers_of(evidence, [sweep]),
        ]
    )


def _range_claim(facts: RangeTestFacts) -> str:
    zone = "" if facts.zone is None else f"The loss is near its best {_place(facts.zone, between='from')}; "
    edge = (
        f"the loss breaks away for good {_place(facts.edge, between='between')}" if facts.edge else f"no edge was found up to {number_text(facts.lr_range[1])}"
    )
    sentence = zone + edge
    return sentence[0].upper() + sentence[1:] + "."


def _place(interval: tuple[float, float], *, between: str) -> str:
    """An interval in a sentence."""
    low, high = (number_text(end) for end in interval)
    return f"at {low}" if low == high else f"{between} {low} {'to' if between == 'from' else 'and'} {high}"


def _range_caption(sweep: Experiment, facts: RangeTestFacts) -> str:
    curve, spec = sweep.arms[-1].run.curve, sweep.arms[-1].run.spec
    train_width, valid_width = number_text(facts.train_width, digits=2), number_text(facts.valid_width, digits=2)
    thinned = f" Every {facts.train.every}th batch is drawn; the smoothing used all." if facts.train.every > 1 else ""
    lost = f" {counted(facts.dropped, 'value')} that were not finite are left out." if facts.dropped else ""
    return (
        f"One run ({plain(sweep.arms[-1].label)}), seed {spec.seed}: {counted(len(curve.lr), 'update')} and {counted(len(curve.valid_loss), 'evaluation')} "
        f"while the rate rises in a straight line. Dots are raw, lines smoothed by a centred Gaussian of {train_width} updates (training) and {valid_width} "
        f"evaluations (validation), which does not lag.{thinned}{lost} What diverges leaves the figure at the top."
    )


def _second_claim(bracket: Experiment | None) -> str:
    return (
        "The same sweep on a logarithmic axis, and the bracket that found where to sweep."
        if bracket is not None and bracket.arms
        else "The same sweep on a logarithmic axis."
    )


def _second_caption(bracket: Experiment | None) -> str:
    if bracket is None or not bracket.arms:
        return "Small rates take more room here, so an early hump shows better and the edge looks steeper."
    run = bracket.arms[0].run
    said = f" {ended(bracket.verdict)}" if bracket.verdict.strip() else ""
    return f"The bracket: training loss of a short exponential sweep, {counted(len(run.curve.lr), 'update')}, seed {run.spec.seed}, smoothed likewise.{said}"


def _bracket_plot(plots: Plots, bracket: Experiment) -> Markup:
    spec = range_test_figure(range_test_facts(bracket.arms[0].run.curve), is_logarithmic=True)
    return plots.add(spec, name="Bracket: training loss of a short exponential sweep", height=_SMALL, share=3)


def _bracket_figure(plots: Plots, bracket: Experiment) -> Markup:
    return figure(_bracket_plot(plots, bracket), claim="The bracket.", caption=_second_caption(bracket))


def _sweeps(plots: Plots, sweep: Experiment) -> Markup:
    if len(sweep.arms) < 2:  # noqa: PLR2004 (nothing to lay over one another)
        return Markup("")
    named = [(arm.label, range_test_facts(arm.run.curve)) for arm in sweep.arms]
    place = plots.add(sweep_figure(named), name="Several sweeps over one another", height=_MIDDLE)
    fixed = {dataclasses.replace(arm.run.spec.settings, lr=1.0, min_lr=None) for arm in sweep.arms}
    claim = (
        "The condition that stays low to the largest rate is the balance sought."
        if len(fixed) > 1
        else "Every sweep that was made; the last one is read above."
    )
    return figure(place, claim=claim, caption=f"Smoothed validation loss of {counted(len(named), 'sweep')}, {seeds_text(sweep)}.")
