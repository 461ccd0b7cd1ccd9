"""Confirms the peak learning rate by short annealed runs at fractions of what the range test suggests: one sweep confounds learning rate and time."""

import dataclasses

from tunesmith.experiment import Experiment
from tunesmith.probes import Candidate, annealed_runs
from tunesmith.probes.annealed import shortened
from tunesmith.reading.comparison import Comparison, choice_finding
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import Tuning, arm_of, judge, merged, rounded, short_steps
from tunesmith.settings import Settings

FRACTIONS = (1.0, 0.5, 0.25)
"""Of the suggestion (our choice: where range tests mislead they mislead upwards, above all with Adam kinds)."""
MOST_EXTENSIONS = 3
REPEATED = 2


def choose_peak(lab: Laboratory, tuning: Tuning, limits: Limits, *, suggested_lr: float, largest_lr: float | None) -> Tuning:
    """The settings at the best of the learning rates tried, and the finding.

    Three fractions of the suggestion, then further ones while the best lies at the border of what was tried, then the two best on a second seed.
    """
    if not limits.is_free("lr"):
        return dataclasses.replace(tuning, settings=_at(tuning.settings, limits.fixed["lr"]))
    values = sorted({limits.clip("lr", rounded(suggested_lr * fraction)) for fraction in FRACTIONS})
    lab.progress.stage("peak_lr", f"Short annealed runs at learning rates {', '.join(f'{value:.2g}' for value in values)}.")
    experiment = _runs(lab, tuning, values, seed=lab.search_seed(0))
    for _ in range(MOST_EXTENSIONS):
        value = _extension(experiment, judge(lab, tuning, experiment), limits, largest_lr=largest_lr)
        more = None if value is None else _affordable(lab, tuning, [value], seed=lab.search_seed(0))
        if more is None:
            break
        experiment = merged(experiment, more)
    comparison = judge(lab, tuning, experiment)
    ranked = sorted(comparison.scores, key=comparison.scores.__getitem__)[:REPEATED]
    again = _affordable(lab, tuning, [arm_of(experiment, label).value or 0.0 for label in ranked], seed=lab.search_seed(1))
    if again is not None:
        experiment = merged(experiment, again)
        comparison = judge(lab, tuning, experiment)
    best = arm_of(experiment, _step_back(comparison, ranked))
    lr = best.value or suggested_lr
    finding = choice_finding(
        "max_lr", comparison, chosen=lr,
        evidence=f"{len(experiment.arms)} short annealed runs of {best.run.spec.total_steps} updates at {len(comparison.scores)} learning rates.",
        not_established="That the best peak of a short run is the best of a full training; short runs lean towards larger ones.",
    )  # fmt: skip
    experiment = dataclasses.replace(experiment, findings=(finding,), verdict=f"Short runs do best at {lr:.2g}.")
    lab.put(experiment)
    return dataclasses.replace(tuning, settings=_at(tuning.settings, lr), experiments=(*tuning.experiments, experiment), findings=(*tuning.findings, finding))


def _step_back(comparison: Comparison, ranked: list[str]) -> str:
    """Of the arms that were repeated the best, or the smallest learning rate that is worse by no more than the noise.

    An arm run on one seed cannot win against those run on two, or luck would; and a setting at the brink loses to one a step back from it.
    """
    best = min(ranked, key=comparison.scores.__getitem__)
    near = [label for label in ranked if comparison.scores[label] - comparison.scores[best] <= comparison.noise]
    return min(near or [best], key=lambda label: comparison.values[label] or 0.0)


def _at(settings: Settings, lr: float) -> Settings:
    return dataclasses.replace(settings, lr=lr, min_lr=None)


def _candidates(lab: Laboratory, tuning: Tuning, values: list[float]) -> list[Candidate]:
    batch_size = tuning.settings.batch_size
    steps, planned = short_steps(lab, tuning, batch_size=batch_size), lab.task.steps_at(batch_size)
    return [
        Candidate(
            label=f"lr {value:.6g}",
            value=value,
            settings=shortened(_at(tuning.settings, value), total_steps=steps, planned_steps=planned, optimizer_name=lab.checked.acts_like),
            total_steps=steps,
        )
        for value in values
    ]


def _runs(lab: Laboratory, tuning: Tuning, values: list[float], *, seed: int) -> Experiment:
    candidates = _candidates(lab, tuning, values)
    return annealed_runs(lab.task, candidates, probe="peak_lr", seed=seed, valid_examples=tuning.short.valid_examples, execute=lab.executor("search"))


def _affordable(lab: Laboratory, tuning: Tuning, values: list[float], *, seed: int) -> Experiment | None:
    """The runs, or None where the budget does not have them."""
    return _runs(lab, tuning, values, seed=seed) if tuning.short.examples * len(values) <= lab.left else None


def _extension(experiment: Experiment, comparison: Comparison, limits: Limits, *, largest_lr: float | None) -> float | None:
    """The next learning rate to try while the best lies at the border; None where it does not."""
    tried = sorted(value for value in comparison.values.values() if value is not None)
    best = arm_of(experiment, comparison.best).value if comparison.best else tried[0]
    if best == tried[0]:
        value = limits.clip("lr", rounded(tried[0] / 4))
    elif best == tried[-1] and (largest_lr is None or 2 * tried[-1] <= largest_lr):
        value = limits.clip("lr", rounded(tried[-1] * 2))
    else:
        return None
    return None if value in tried else value
