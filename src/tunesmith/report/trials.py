"""The sections on short and full trainings: each knob's runs beside one another, and the plan confirmed."""

from collections.abc import Sequence

from tunesmith.curve import RunOutcome
from tunesmith.experiment import Arm, Experiment
from tunesmith.plots.arms import ExperimentFacts, experiment_facts
from tunesmith.plots.digits import number_text
from tunesmith.plots.facts import CurveFacts, curve_facts
from tunesmith.report.charts import confirm_figure, curves_figure, knob_figure, shows_validation, way_title
from tunesmith.report.evidence import Evidence
from tunesmith.report.figure import Plots, figure
from tunesmith.report.findings import findings_of, numbers_of, seeds_text, shown_interval, verdict_of
from tunesmith.report.knobs import best_value, effect_in, knob_finding, value_means
from tunesmith.report.markup import Markup, joined
from tunesmith.report.wording import confidence_word, counted, listed, plain, probe_title

_AXES = {
    "batch_size": "total batch size",
    "peak_lr": "peak learning rate, logarithmic",
    "min_lr": "starting learning rate, logarithmic",
    "momentum": "momentum",
    "momentum_cycle": "lowest momentum, where the rate is largest",
    "weight_decay": "weight decay, logarithmic",
}
_HEIGHT, _TALL = 320, 420
"""Heights in pixels."""


def knob_section(evidence: Evidence, plots: Plots, probe: str) -> Markup:
    """Final validation loss of each short run against the knob, and its curves beside."""
    experiment = evidence.experiment(probe)
    if experiment is None or not experiment.arms:
        return Markup("")
    finding = knob_finding(evidence, probe)
    interval = shown_interval(finding)
    chosen = _chosen(evidence, probe) if finding is None or finding.value is None else finding.value  # the short runs' choice; the plan carries it further
    facts = experiment_facts(experiment, goal=evidence.goal, chosen=chosen, interval=interval)
    totals = [arm.run.spec.total_steps for arm in experiment.arms]
    title, goal = probe_title(probe), evidence.goal
    results = knob_figure(facts, title=_AXES.get(probe, title.lower()), goal=goal)
    lines = [curve_facts(arm.run) for arm in experiment.arms]
    curves = curves_figure(facts, lines, totals=totals, is_share=len(set(totals)) > 1, height=_HEIGHT)
    left = plots.add(results, name=f"{title}: final validation {goal}", height=_HEIGHT, share=2)
    right = plots.add(curves, name=f"{title}: {way_title(lines)}", height=_HEIGHT, share=2)
    claim = _knob_claim(evidence, experiment, interval=None if finding is None else finding.interval)
    box = figure(left, right, class_="pair", claim=claim, caption=_knob_caption(experiment, facts, lines))
    return joined([verdict_of(experiment), box, findings_of(experiment), numbers_of(evidence, [experiment])])


def _chosen(evidence: Evidence, probe: str) -> float | None:
    plan = evidence.plan
    if plan is None or plan.settings is None:
        return None
    settings = plan.settings
    values = {
        "peak_lr": settings.lr,
        "min_lr": settings.resolved_min_lr,
        "batch_size": float(settings.batch_size),
        "momentum": settings.momentum,
        "weight_decay": settings.weight_decay,
    }
    return values.get(probe)


def _knob_claim(evidence: Evidence, experiment: Experiment, *, interval: tuple[float, float] | None) -> str:
    means = value_means(experiment, goal=evidence.goal)
    if not means:
        return "No run finished." if all(arm.run.curve.outcome is not RunOutcome.FINISHED for arm in experiment.arms) else "What the runs ended with."
    best = best_value(means, is_higher_better=evidence.goal_is_higher_better)
    effect = effect_in(evidence, experiment.probe, interval=interval)
    said = f"{effect.text[0].upper()}{effect.text[1:]}."
    return f"Best at {number_text(best)}: {number_text(means[best])}. {said}" if len(means) > 1 else said


def _knob_caption(experiment: Experiment, facts: ExperimentFacts, lines: Sequence[CurveFacts]) -> str:
    runs = [arm.run for arm in experiment.arms]
    lengths = sorted({run.spec.total_steps for run in runs})
    steps = f"{lengths[0]:,}" if len(lengths) == 1 else f"{lengths[0]:,} to {lengths[-1]:,}"
    parts = [f"{counted(len(runs), 'short run')} of {steps} updates, annealed to the end, {seeds_text(experiment)}."]
    parts.append("Dots: one a run, the line through the means.")
    if facts.interval is not None and facts.interval[0] < facts.interval[1]:
        parts.append("Shaded: what the evidence cannot tell from the value chosen.")
    if any(point.result is None for point in facts.points):
        parts.append("A cross at the top: did not finish.")
    how = "raw evaluations, not smoothed" if shows_validation(lines) else "training loss, smoothed by a centred Gaussian: they were validated at their end only"
    parts.append(f"Curves: the same runs in the same colours, {how}.")
    return " ".join(parts)


def confirm_section(evidence: Evidence, plots: Plots) -> Markup:
    """The plan trained to its end and the current settings, with the clues read from them."""
    confirm, current = evidence.experiment("confirm"), evidence.experiment("current")
    experiments = [found for found in (confirm, evidence.experiment("current_quarter"), current) if found is not None and found.arms]
    if not experiments:
        return Markup("")
    arms = () if confirm is None else confirm.arms
    plan = [arm for arm in arms if arm.run.spec.total_steps == arms[0].run.spec.total_steps]
    others = [arm for arm in arms if arm.run.spec.total_steps != arms[0].run.spec.total_steps]
    clues = [clue for clue in (() if confirm is None else confirm.findings) if clue.since_step is not None]
    spec = confirm_figure(_named(plan), _named(() if current is None else current.arms), others=_named(others), clues=clues)
    place = plots.add(spec, name="Losses of the full trainings", height=_TALL)
    words = [f"{plain(clue.kind).replace('_', ' ')} from update {clue.since_step:,} ({confidence_word(clue.confidence)})" for clue in clues]
    claim = listed(words) or "no clue is marked"
    box = figure(
        place, claim=claim[0].upper() + claim[1:] + ".", caption=_confirm_caption([found for found in (confirm, current) if found is not None and found.arms])
    )
    return joined([*map(verdict_of, experiments), box, *map(findings_of, experiments), numbers_of(evidence, experiments)])


def _named(arms: Sequence[Arm]) -> list[tuple[str, CurveFacts]]:
    return [(arm.title, curve_facts(arm.run)) for arm in arms]


def _seeds_of_first(experiment: Experiment) -> int:
    """Runs of the plan itself: those of other settings that were tried come after it."""
    first = experiment.arms[0].run.spec
    return sum((arm.run.spec.settings, arm.run.spec.total_steps) == (first.settings, first.total_steps) for arm in experiment.arms)


def _confirm_caption(experiments: Sequence[Experiment]) -> str:
    counts = [f"{'plan' if found.probe == 'confirm' else 'current settings'} on {counted(_seeds_of_first(found), 'seed')}" for found in experiments]
    lengths = {arm.run.spec.total_steps for found in experiments if found.probe == "confirm" for arm in found.arms}
    others = " Dotted: the plan at other lengths that were tried." if len(lengths) > 1 else ""
    beside = "dashed grey: validation loss of the current settings" if len(experiments) > 1 else "the current settings were not trained in full"
    width = max(curve_facts(arm.run).train_width for found in experiments for arm in found.arms)
    return (
        f"Trained to the end: {listed(counts)}. Blue: validation loss of the plan, every evaluation, not smoothed. "
        f"Grey: its training loss, smoothed by a centred Gaussian of {number_text(width, digits=2)} updates; "
        f"{beside}.{others} Dotted upright lines mark where a clue begins. "
        "A line that leaves the figure at its bottom goes on below."
    )
