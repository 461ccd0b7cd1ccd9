"""How sure the plan's knobs are and how much each matters, from the findings and the results of the short runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plan import Plan
from tunesmith.plots.digits import interval_text, number_text, percent_text
from tunesmith.report.evidence import Evidence
from tunesmith.report.wording import listed, plain

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How much a knob matters.

    Attributes:
        matters: Whether a difference was seen; None where the knob was not tested.
        text: In a few words.
    """

    matters: bool | None
    text: str


@dataclass(frozen=True, kw_only=True)
class KnobRow:
    """One row of the plan.

    Attributes:
        title: For people.
        name: As the plan spells it.
        value: Its value, as text.
        interval: Values that the evidence cannot tell from it, as text; empty where none was measured.
        effect: How much it matters.
    """

    title: str
    name: str
    value: str
    interval: str
    effect: Effect


NOT_TESTED = Effect(matters=None, text="not tested")

_KINDS = {
    "peak_lr": ("peak_lr", "max_lr", "lr", "suggestion", "zone"),
    "momentum": ("momentum", "max_momentum"),
}
_SPAN = 1e-9
"""Rounding that is forgiven where a value is compared with an interval."""


def knob_finding(evidence: Evidence, probe: str) -> Finding | None:
    """The finding that holds a knob's value and interval: of its own experiment first, then of the plan, then of any other."""
    own = evidence.experiment(probe)
    pools = [() if own is None else own.findings, () if evidence.plan is None else evidence.plan.findings]
    pools += [experiment.findings for experiment in evidence.experiments]
    for kind in _KINDS.get(probe, (probe,)):
        for pool in pools:
            for finding in pool:
                if finding.kind == kind and (finding.value is not None or finding.interval is not None):
                    return finding
    return None


def effect_of(experiment: Experiment | None, *, interval: Interval | None, goal: str = "loss", is_higher_better: bool = False) -> Effect:
    """How much a knob moved what an experiment's runs ended with.

    Args:
        experiment: The knob's experiment; None where there was none.
        interval: Values that the evidence cannot tell from the chosen one: a difference among these is not called one.
        goal: "loss" of the validation set, or the metric that decides.
        is_higher_better: The metric's direction.
    """
    if experiment is None:
        return NOT_TESTED
    means = value_means(experiment, goal=goal)
    warning = _failures(experiment, finished=frozenset(means))
    if len(means) < 2:  # noqa: PLR2004 (a difference needs two)
        return Effect(matters=True if warning and means else None, text=warning or ("tested at one value only" if means else NOT_TESTED.text))
    outside = [value for value in means if interval is None or not _holds(interval, value)]
    if not outside:
        level = f"no difference seen from {number_text(min(means))} to {number_text(max(means))}"
        return Effect(matters=bool(warning), text=f"{level}; {warning}" if warning else level)
    best = best_value(means, is_higher_better=is_higher_better)
    worst = best_value({value: means[value] for value in outside}, is_higher_better=not is_higher_better)
    said = f"{plain(goal)} {_change(means[best], means[worst], is_loss=goal == 'loss')} at {number_text(worst)}"
    return Effect(matters=True, text=f"{said}; {warning}" if warning else said)


def _failures(experiment: Experiment, *, finished: frozenset[float]) -> str:
    """Which values did not train, in words; empty where all did."""
    failed = {arm.value for arm in experiment.arms if arm.value is not None and not math.isfinite(arm.run.curve.final_valid_loss)}
    never, partly = sorted(failed - finished), sorted(failed & finished)
    parts = [f"{listed([number_text(value) for value in never])} {'does' if len(never) == 1 else 'do'} not train"] if never else []
    parts += [f"{listed([number_text(value) for value in partly])} not on every seed"] if partly else []
    return "; ".join(parts)


def value_means(experiment: Experiment, *, goal: str = "loss") -> dict[float, float]:
    """Value of the knob → mean of what its finished runs ended with."""
    from tunesmith.reading.goal import final_value  # noqa: PLC0415 (the readings need numpy, which `tunesmith --help` can do without)

    results: dict[float, list[float]] = {}
    for arm in experiment.arms:
        result = final_value(arm.run.curve, goal=goal)
        if arm.value is not None and math.isfinite(result):
            results.setdefault(arm.value, []).append(result)
    return {value: fmean(values) for value, values in results.items()}


def best_value(means: dict[float, float], *, is_higher_better: bool) -> float:
    """The value whose mean is best."""
    return max(means, key=means.__getitem__) if is_higher_better else min(means, key=means.__getitem__)


def _holds(interval: Interval, value: float) -> bool:
    slack = _SPAN * abs(value)
    return interval[0] - slack <= value <= interval[1] + slack


def _change(best: float, worst: float, *, is_loss: bool) -> str:
    return f"+{percent_text(worst / best - 1)}" if is_loss and best > 0 else f"{number_text(worst)} instead of {number_text(best)}"


def knob_rows(evidence: Evidence) -> tuple[KnobRow, ...]:
    """The plan's knobs in the order in which they are shown; empty without settings."""
    plan = evidence.plan
    if plan is None or plan.settings is None:
        return ()
    low = "" if plan.max_momentum == plan.min_momentum else f", {number_text(plan.min_momentum)} at the peak"
    return (
        _row(evidence, "peak_lr", title="Peak learning rate", name="max_lr", value=number_text(plan.max_lr)),
        _row(evidence, "min_lr", title="Starting learning rate", name="min_lr", value=number_text(plan.min_lr)),
        _row(evidence, "batch_size", title="Total batch size", name="batch_size", value=number_text(plan.batch_size)),
        _row(evidence, "momentum", title="Momentum", name="max_momentum, min_momentum" if low else "max_momentum", value=number_text(plan.max_momentum) + low),
        _row(evidence, "weight_decay", title="Weight decay", name="weight_decay", value=number_text(plan.weight_decay)),
        KnobRow(title="Length", name="epochs, total_steps", value=length_text(plan), interval="", effect=_length_effect(evidence)),
    )


def _row(evidence: Evidence, probe: str, *, title: str, name: str, value: str) -> KnobRow:
    finding = knob_finding(evidence, probe)
    interval = None if finding is None else finding.interval
    shown = next((found.interval for found in (() if evidence.plan is None else evidence.plan.findings) if found.kind in {probe, name}), interval)
    return KnobRow(title=title, name=name, value=value, interval=_interval_words(shown), effect=effect_in(evidence, probe, interval=interval))


def _interval_words(interval: Interval | None) -> str:
    return f"{number_text(interval[0])} only" if interval is not None and interval[0] == interval[1] else interval_text(interval)


def effect_in(evidence: Evidence, probe: str, *, interval: Interval | None) -> Effect:
    """`effect_of` for a study's experiment and goal; of a knob without an experiment of its own, what the ladder saw."""
    if evidence.experiment(probe) is None and probe == "batch_size":
        return _kept_batch_size(evidence)
    if evidence.experiment(probe) is None and evidence.experiment("ladder") is not None:
        from tunesmith.report.ladder_table import ladder_effect  # noqa: PLC0415 (the readings need numpy, which `tunesmith --help` can do without)

        found = ladder_effect(evidence, probe)
        return NOT_TESTED if found is None else Effect(matters=found[0], text=found[1])
    if probe == "batch_size":
        from tunesmith.report.batch_size_words import batch_size_effect  # noqa: PLC0415 (as above)

        predicted = batch_size_effect(evidence)
        if predicted is not None:
            return Effect(matters=predicted[0], text=predicted[1])
    return effect_of(evidence.experiment(probe), interval=interval, goal=evidence.goal, is_higher_better=evidence.goal_is_higher_better)


def _kept_batch_size(evidence: Evidence) -> Effect:
    """Why no batch size was held against the first one, where the plan says so."""
    findings = () if evidence.plan is None else evidence.plan.findings
    why = next((plain(finding.evidence).rstrip(".") for finding in findings if finding.kind == "batch_size" and finding.evidence.strip()), "")
    return Effect(matters=None, text=f"{NOT_TESTED.text}: {why[0].lower()}{why[1:]}") if why else NOT_TESTED


def _length_effect(evidence: Evidence) -> Effect:
    name = next((name for name in ("length", "epochs") if evidence.experiment(name)), "length")
    return effect_in(evidence, name, interval=None)


def length_text(plan: Plan) -> str:
    """A training's length.

    Example:
        >>> from tunesmith.plan import StudyOutcome
        >>> from tunesmith.settings import Settings
        >>> length_text(Plan(outcome=StudyOutcome.RECOMMENDED, settings=Settings(), optimizer_name="sgd", n_train=4000, total_steps=2500))
        '40 epochs, 2,500 steps'
    """
    return f"{number_text(plan.epochs)} epochs, {number_text(plan.total_steps)} steps"


def schedule_text(plan: Plan) -> str:
    """A schedule's name, with its number of cycles where it has several.

    Example:
        >>> from tunesmith.plan import StudyOutcome
        >>> from tunesmith.settings import Settings
        >>> knobs = Settings(schedule="triangular", cycles=3)
        >>> schedule_text(Plan(outcome=StudyOutcome.RECOMMENDED, settings=knobs, optimizer_name="sgd", n_train=4000, total_steps=2500))
        'triangular, 3 cycles'
    """
    return f"{plain(plan.schedule)}, {plan.cycles} cycles" if plan.cycles > 1 else plain(plan.schedule)


def split_by_effect(rows: Sequence[KnobRow]) -> tuple[tuple[KnobRow, ...], tuple[KnobRow, ...], tuple[KnobRow, ...]]:
    """The rows that matter, those that do not as far as was seen, and those that were not tested."""
    return (
        tuple(row for row in rows if row.effect.matters is True),
        tuple(row for row in rows if row.effect.matters is False),
        tuple(row for row in rows if row.effect.matters is None),
    )
