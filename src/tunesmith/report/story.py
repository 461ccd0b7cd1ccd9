"""What a study says, as sentences and rows: headline, results on fresh seeds, cost by stage, what is not established. Text and HTML show the same."""

import math
from dataclasses import dataclass
from statistics import fmean

from tunesmith.curve import Run
from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyOutcome, Trained
from tunesmith.plots.digits import interval_text, number_text, percent_text, seconds_text, trainings_text
from tunesmith.report.evidence import Evidence
from tunesmith.report.wording import OF_BATCH_SIZE, counted, ended, finding_title, listed, plain, probe_title

OUTCOMES = {
    StudyOutcome.RECOMMENDED: "Recommended",
    StudyOutcome.KEEP_CURRENT: "Keep the current settings",
    StudyOutcome.NO_DIFFERENCE: "No difference",
    StudyOutcome.ABSTAINED: "Abstained",
    StudyOutcome.BUDGET_SPENT: "Budget spent",
}
UNFINISHED = "Not finished"


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """Full-length trainings of one choice of settings.

    Attributes:
        name: "Plan" or "Current settings".
        valid, test: The goal on the validation and test set, one a seed; `test` None where there is none.
        seeds: The seeds.
        steps: Updates of each; None where no run says.
    """

    name: str
    valid: tuple[float, ...]
    test: tuple[float, ...] | None
    seeds: tuple[int, ...]
    steps: int | None


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """What one stage cost.

    Attributes:
        name: The stage.
        runs: Trainings that it made; those that an earlier stage made are not counted again.
        full_trainings, seconds: Their cost.
    """

    name: str
    runs: int
    full_trainings: float
    seconds: float


def single_probe(evidence: Evidence) -> Experiment | None:
    """The experiment of a study that is one probe alone and has read it; None for any other."""
    experiment = evidence.experiment(str(evidence.description.get("recipe")))
    return experiment if evidence.plan is None and experiment is not None and experiment.verdict.strip() else None


def outcome_text(evidence: Evidence) -> str:
    """How the study ended, in a word or two."""
    if (probe := single_probe(evidence)) is not None:
        return probe_title(probe.probe)
    return UNFINISHED if evidence.plan is None else OUTCOMES[evidence.plan.outcome]


def headline(evidence: Evidence) -> str:
    """How the study ended, in a sentence that needs no knowledge of the method."""
    plan = evidence.plan
    if (probe := single_probe(evidence)) is not None:
        return ended(probe.verdict)
    if plan is None:
        return f"Not finished: {counted(len(evidence.runs), 'run')} so far, and no plan yet." if evidence.runs else "Nothing has been run yet."
    match plan.outcome:
        case StudyOutcome.RECOMMENDED:
            return f"Train with these settings: {_gain(evidence, plan)}."
        case StudyOutcome.KEEP_CURRENT:
            return "Keep the current settings: nothing that was tried does better."
        case StudyOutcome.NO_DIFFERENCE:
            return "Use either: the settings found and the current ones do equally well, as far as the noise lets one see."
        case StudyOutcome.ABSTAINED:
            return "No recommendation: the evidence does not carry one."
        case StudyOutcome.BUDGET_SPENT:
            return "No recommendation yet: the budget was spent before the evidence was in."


def _gain(evidence: Evidence, plan: Plan) -> str:
    goal, reached, before = plain(evidence.goal), _mean(plan.confirmed), _mean(plan.current)
    if reached is None:
        return "the short runs favour them, and no full training has confirmed them yet"
    if before is None:
        return f"validation {goal} {number_text(reached)} when trained to the end"
    if not math.isfinite(reached):
        return "the short runs favour them, but a full training with them did not finish"
    if not math.isfinite(before):
        return f"validation {goal} {number_text(reached)}, where the current ones do not finish a training"
    if goal != "loss" or before <= 0:
        return f"validation {goal} {number_text(reached)} instead of {number_text(before)}"
    change = reached / before - 1
    return f"{percent_text(abs(change))} {'lower' if change < 0 else 'higher'} validation loss than with the current ones"


def _mean(trained: Trained | None) -> float | None:
    return fmean(trained.valid) if trained is not None and trained.valid else None


def result_sentence(evidence: Evidence) -> str:
    """What the full trainings reached, with the number of seeds; empty where there were none."""
    parts = [f"{row.name.lower()} {spread_text(row.valid)} on {counted(len(row.seeds), 'fresh seed')}" for row in result_rows(evidence)]
    return f"Validation {plain(evidence.goal)}: {listed(parts)}.{_next_run(evidence.plan)}" if parts else ""


def _next_run(plan: Plan | None) -> str:
    interval = None if plan is None or plan.confirmed is None else plan.confirmed.interval
    if interval is None:
        return ""
    low, high = interval
    digits = next((digits for digits in (3, 4, 5, 6) if number_text(low, digits=digits) != number_text(high, digits=digits)), 7)
    ends = f"{number_text(low, digits=digits)} and {number_text(high, digits=digits)}"
    return f" One new run with the plan ends between {ends} in nine of ten cases."


def weights_sentence(evidence: Evidence) -> str:
    """Where the networks that confirmed the plan lie, so that nobody trains them again; empty where there are none."""
    confirm = evidence.experiment("confirm")
    if evidence.plan is None or evidence.plan.confirmed is None or confirm is None:
        return ""
    seeds = evidence.plan.confirmed.seeds
    plans = {(arm.run.spec.settings, arm.run.spec.total_steps) for arm in confirm.arms}
    kept = [arm.run.spec for arm in confirm.arms if arm.run.spec.seed in seeds and arm.run.spec.keeps_weights]
    selected = f", selected among {counted(len(plans), 'plan')} by this validation {plain(evidence.goal)}" if len(plans) > 1 else ""
    return f"Trained weights{selected}: {listed([f'checkpoints/{spec.key}.pt' for spec in kept])}." if kept else ""


def cost_sentence(evidence: Evidence) -> str:
    """What everything cost."""
    cost = evidence.cost
    parts = [f"search {trainings_text(cost.search)}"]
    parts += [f"{name} {trainings_text(value)}" for name, value in (("confirming", cost.confirm), ("current settings", cost.baseline)) if value > 0]
    return f"{trainings_text(cost.total)} full trainings in all ({', '.join(parts)}), {seconds_text(cost.seconds)}."


def result_rows(evidence: Evidence) -> tuple[ResultRow, ...]:
    """The plan on fresh seeds and the current settings beside it."""
    plan = evidence.plan
    if plan is None:
        return ()
    rows = []
    for name, probe, trained in (("Plan", "confirm", plan.confirmed), ("Current settings", "current", plan.current)):
        if trained is not None and trained.valid:
            experiment = evidence.experiment(probe)
            steps = experiment.arms[0].run.spec.total_steps if experiment is not None and experiment.arms else None
            rows.append(ResultRow(name=name, valid=trained.valid, test=trained.test, seeds=trained.seeds, steps=steps))
    return tuple(rows)


def spread_text(values: tuple[float, ...] | None) -> str:
    """The mean of values, with their range where there are several.

    Example:
        >>> spread_text((0.2,)), spread_text((0.2, 0.3)), spread_text((0.15701, 0.15732))
        ('0.2', '0.25 (0.2 to 0.3)', '0.1572 (0.157 to 0.1573)')
    """
    if not values:
        return number_text(None)
    finite = [value for value in values if math.isfinite(value)]
    lost = f", {len(values) - len(finite)} did not finish" if len(finite) < len(values) else ""
    if not finite:
        return "did not finish"
    if len(finite) == 1:
        return number_text(finite[0]) + lost
    low, high = min(finite), max(finite)
    digits = next((digits for digits in (3, 4, 5) if number_text(low, digits=digits) != number_text(high, digits=digits)), 3)
    return f"{number_text(fmean(finite), digits=digits)} ({interval_text((low, high), digits=digits)}){lost}"


def ledger(evidence: Evidence) -> tuple[LedgerRow, ...]:
    """Cost by stage; what the study charges besides comes last, so that the rows add up to its total."""
    seen: set[str] = set()
    rows = [_ledger_row(evidence, probe_title(experiment.probe), _new_runs(experiment, seen)) for experiment in evidence.experiments]
    rows = [row for row in rows if row.runs]
    rest = [run for run in evidence.runs if run.spec.key not in seen]
    if rest:
        rows.append(_ledger_row(evidence, "Other runs", rest))
    trainings = evidence.cost.total - sum(row.full_trainings for row in rows)
    seconds = evidence.cost.seconds - sum(row.seconds for row in rows)
    if trainings > 1e-9 * max(1.0, evidence.cost.total) or seconds > 1e-6 * max(1.0, evidence.cost.seconds):
        rows.append(LedgerRow(name="Measuring besides the runs", runs=0, full_trainings=max(0.0, trainings), seconds=max(0.0, seconds)))
    return tuple(rows)


def _new_runs(experiment: Experiment, seen: set[str]) -> list[Run]:
    runs = []
    for arm in experiment.arms:
        if arm.run.spec.key not in seen:
            seen.add(arm.run.spec.key)
            runs.append(arm.run)
    return runs


def _ledger_row(evidence: Evidence, name: str, runs: list[Run]) -> LedgerRow:
    return LedgerRow(
        name=name, runs=len(runs), full_trainings=sum(evidence.full_trainings(run) for run in runs), seconds=sum(run.curve.cost.seconds for run in runs)
    )


def doubts(evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """What is not established, each with its subject: what the findings say of themselves, once each, and what follows from the way it was measured."""
    plan = evidence.plan
    said = [(_subject(finding, probe_title(found.probe)), finding.not_established) for found in evidence.experiments for finding in found.findings]
    said += [(_subject(finding, finding_title(finding.kind)), finding.not_established) for finding in (() if plan is None else plan.findings)]
    said += [] if plan is None else _standing_doubts(plan)
    first = {ended(doubt): subject for subject, doubt in reversed(said) if doubt.strip()}
    told = [doubt for doubt in first if not any(other != doubt and other.startswith(doubt) for other in first)]  # the plan's findings say more of the same
    return tuple((first[doubt], doubt) for doubt in reversed(told))


def _subject(finding: Finding, usual: str) -> str:
    return probe_title("batch_size") if finding.kind in OF_BATCH_SIZE else usual


def _standing_doubts(plan: Plan) -> list[tuple[str, str]]:
    found = []
    if plan.confirmed is not None and len(plan.confirmed.seeds) == 1:
        how = "is not known" if plan.confirmed.interval is None else "is taken from what is usual where so much is learnt"
        found.append(("Seeds", f"One fresh seed confirmed the plan, so how much another seed would differ {how}."))
    if plan.current is not None and len(plan.current.seeds) == 1:
        found.append(("Current settings", "Trained on one seed, so part of the difference may be luck."))
    if plan.confirmed is not None and plan.confirmed.test is None:
        found.append(("Test set", "None was given. The validation set also chose the settings, which flatters them a little."))
    return found


def advice(evidence: Evidence) -> tuple[str, ...]:
    """What to do, each sentence once."""
    if single_probe(evidence) is not None:
        return ()  # the headline says what to do
    if evidence.plan is None:
        return ("Start the same command again: it goes on from here.",)
    return tuple(dict.fromkeys(ended(sentence) for sentence in evidence.plan.advice if sentence.strip()))
