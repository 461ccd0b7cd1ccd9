"""What every section says of an experiment besides its figure: verdict, findings, seeds, and the numbers as a table."""

import math
from collections.abc import Sequence

from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plots.digits import interval_text, number_text, trainings_text
from tunesmith.reading.goal import final_value
from tunesmith.report.evidence import Evidence
from tunesmith.report.markup import Markup, element, table
from tunesmith.report.wording import confidence_word, counted, ended, finding_title, listed


def shown_interval(finding: Finding | None) -> tuple[float, float] | None:
    """The interval that a figure can show: none where an end is open."""
    return finding.interval if finding is not None and finding.interval is not None and all(map(math.isfinite, finding.interval)) else None


def seeds_text(experiment: Experiment) -> str:
    """The seeds of its runs."""
    seeds = sorted({arm.run.spec.seed for arm in experiment.arms})
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {listed([str(seed) for seed in seeds])}"


def verdict_of(experiment: Experiment | None) -> Markup:
    """What the recipe decided."""
    return element("p", ended(experiment.verdict)) if experiment is not None and experiment.verdict.strip() else Markup("")


def findings_of(experiment: Experiment | None) -> Markup:
    """What was read, with how sure it is and what to do."""
    findings = () if experiment is None else experiment.findings
    return element("ul", *(_finding(finding) for finding in findings), class_="findings") if findings else Markup("")


def _finding(finding: Finding) -> Markup:
    value = "" if finding.value is None else f" {number_text(finding.value)}"
    is_wide = finding.interval is not None and finding.interval[0] < finding.interval[1]
    said = " ".join(sentence for sentence in (ended(finding.evidence), ended(finding.action)) if sentence)
    return element(
        "li",
        element("b", finding_title(finding.kind) + value),
        f" ({interval_text(finding.interval)})" if is_wide else "",
        element("span", f", {confidence_word(finding.confidence)}. ", class_="word"),
        said,
    )


def numbers_of(evidence: Evidence, experiments: Sequence[Experiment]) -> Markup:
    """The figure as a table, folded away."""
    arms = [(experiment.probe, arm) for experiment in experiments for arm in experiment.arms]
    goals = ["loss"] if evidence.goal == "loss" else ["loss", evidence.goal]
    head = ("Run", "Seed", "Updates", *(f"Final validation {goal}" for goal in goals), "Ended", "Full trainings")
    rows = (
        (
            arm.label if probe != "current_quarter" else "a quarter, current settings",
            str(arm.run.spec.seed),
            f"{len(arm.run.curve.train_loss):,}",
            *(number_text(final_value(arm.run.curve, goal=goal), digits=4) for goal in goals),
            str(arm.run.curve.outcome).replace("_", " "),
            trainings_text(evidence.full_trainings(arm.run)),
        )
        for probe, arm in arms
    )
    numbers = (1, 2, *range(3, 3 + len(goals)), 4 + len(goals))
    return element("details", element("summary", f"The numbers: {counted(len(arms), 'run')}"), table(head, rows, numbers=numbers))
