"""The plan beside what the user trains with today: a quarter of that first, all of it only where the quarter does not decide."""

import dataclasses
import math
from dataclasses import dataclass

from tunesmith import probes
from tunesmith.curve import Run
from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plan import StudyOutcome
from tunesmith.reading.clues import has_learnt
from tunesmith.reading.goal import final_value, score
from tunesmith.reading.seed_noise import SeedNoise
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.ladder.lengths import level_of
from tunesmith.settings import Settings

UNKNOWN_NOISE_SHARE = 0.25
"""Of what was learnt: a difference beyond it is no noise, wherever that is not known (our choice)."""
QUARTER, QUARTER_PROBE = 0.25, "current_quarter"
"""Of a training with the current settings, and the name of its experiment (our choice)."""
FASTER = 2.0
"""Where a run of the search was that much shorter and still better, the current settings do not catch up by being trained four times as long (our choice)."""
MANY_SEEDS = 2
"""With more confirming seeds than this a difference from the current settings may be called confident (our choice)."""
NEVER_STARTED = "never_started"
"""The kind of clue that nothing can be recommended with."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """How the plan does beside the current settings.

    Attributes:
        outcome: RECOMMENDED, KEEP_CURRENT, NO_DIFFERENCE or ABSTAINED.
        findings: The comparison; none where there is nothing to compare with.
        in_full: The current settings trained in full; None where there are none, or where a quarter was enough.
        takes_current: Whether the current settings are what to use.
    """

    outcome: StudyOutcome
    findings: tuple[Finding, ...] = ()
    in_full: Experiment | None = None
    takes_current: bool = False


def mean_score(lab: Laboratory, experiment: Experiment) -> float:
    """Of full runs, smaller is better; infinite where one did not finish."""
    scores = [score(arm.run.curve, goal=lab.task.goal, higher_is_better=lab.task.goal_is_higher_better) for arm in experiment.arms]
    return sum(scores) / len(scores)


def seed_noise(lab: Laboratory, plan: Experiment) -> SeedNoise:
    """Noise between seeds of full runs: what is usual where so much was learnt, and what the plan's own seeds say where there are several."""
    values = [final_value(arm.run.curve, goal=lab.task.goal) for arm in plan.arms]
    finite = [value for value in values if math.isfinite(value)]
    mean = sum(finite) / len(finite) if finite else math.nan
    n_valid = plan.arms[0].run.spec.valid_examples or lab.checked.n_valid
    if lab.task.goal == "loss":
        usual = SeedNoise.usual_of_loss(initial=lab.checked.initial_loss, final=mean, n_valid=n_valid)
    else:
        usual = SeedNoise.usual_of_share(mean, n_valid=n_valid)
    return usual.with_repeats(values)


def compare_with_current(
    lab: Laboratory, plan: Experiment, clue: Finding, *, search: Experiment | None, evaluations: int, valid_examples: int | None
) -> Beside:
    """Whether to use the plan.

    Args:
        lab: Where runs are made.
        plan: Its confirming runs.
        clue: What they show.
        search: Annealed runs of the search, of several lengths; None asks for the comparison in full.
        evaluations: Of a full run, on the way.
        valid_examples: Of a full run.
    """
    learnt = clue.kind != NEVER_STARTED and any(has_learnt(arm.run.curve, thresholds=lab.thresholds) for arm in plan.arms)
    if lab.task.current is None:
        return Beside(outcome=StudyOutcome.RECOMMENDED if learnt else StudyOutcome.ABSTAINED)
    seeds = [plan.arms[0].run.spec.seed]
    noise = seed_noise(lab, plan)
    early = None if search is None or len(plan.arms) > 1 or not learnt else _after_a_quarter(lab, plan, search=search)
    if early is not None:
        return early
    lab.progress.stage("current", "Training with your current settings, on the plan's first seed.")
    current = lab.put(probes.current(lab.task, seeds=seeds, evaluations=evaluations, valid_examples=valid_examples, execute=lab.executor("baseline")))
    beside = _in_full(lab, plan, current=current, noise=noise)
    has_nothing = not learnt and beside.outcome is not StudyOutcome.KEEP_CURRENT and not beside.takes_current
    return dataclasses.replace(beside, outcome=StudyOutcome.ABSTAINED) if has_nothing else beside


def _after_a_quarter(lab: Laboratory, plan: Experiment, *, search: Experiment) -> Beside | None:
    """The verdict where a quarter of the user's training is worse than a run of the search of half its length; None where that does not decide."""
    task = lab.task
    if not isinstance(task.current, Settings):
        return None  # a maker's own scheduler cannot be cut to a quarter
    whole = probes.current_steps(task, task.current)
    steps = round(QUARTER * whole)
    ran = [arm.run for arm in search.arms if not arm.run.spec.condition and math.isfinite(_score(lab, arm.run))]
    rivals = [run for run in ran if _examples(run) * FASTER <= steps * task.current.batch_size]
    if not rivals:
        return None
    longest = max(_examples(run) for run in rivals)
    rival = min((run for run in rivals if _examples(run) == longest), key=lambda run: _score(lab, run))
    lab.progress.stage("current", "Training a quarter as long with your current settings.")
    found = probes.current(
        task, probe=QUARTER_PROBE, seeds=[rival.spec.seed], evaluations=0, valid_examples=rival.spec.valid_examples,
        reestimates_norm=rival.spec.reestimates_norm, total_steps=steps, execute=lab.executor("baseline"),
    )  # fmt: skip
    quarter = found.arms[0].run
    gain = _score(lab, quarter) - _score(lab, rival)
    n_valid = rival.spec.valid_examples or lab.checked.n_valid
    margin = level_of(_score(lab, rival), goal=task.goal, initial_loss=lab.checked.initial_loss, n_valid=n_valid)
    if not (gain > margin and mean_score(lab, plan) < _score(lab, quarter)):
        lab.put(dataclasses.replace(found, verdict="A quarter of a training does not decide: the current settings are trained in full."))
        return None
    evidence = (
        f"Validation {task.goal} of your current settings after {steps} of {whole} updates against a run of the search of {rival.spec.total_steps} updates, "
        f"same seed: {_told(lab, quarter)} and {_told(lab, rival)}."
    )
    finding = Finding(
        kind="against_current", value=gain if math.isfinite(gain) else None, confidence=0.75, evidence=evidence,
        not_established="How the current settings end in full: that was not worth its price here. --confirm-seeds 2 or a --budget above 1 trains them in full.",
    )  # fmt: skip
    verdict = "The current settings are clearly behind after a quarter of a training."
    lab.put(dataclasses.replace(found, verdict=verdict))
    return Beside(outcome=StudyOutcome.RECOMMENDED, findings=(finding,))


def _in_full(lab: Laboratory, plan: Experiment, *, current: Experiment, noise: SeedNoise) -> Beside:
    plan_score, current_score = mean_score(lab, plan), mean_score(lab, current)
    if not math.isfinite(plan_score) and not math.isfinite(current_score):
        return Beside(outcome=StudyOutcome.ABSTAINED, in_full=current)
    gain = current_score - plan_score
    bound = noise.bound(len(plan.arms), len(current.arms)) or _bound_without_noise(lab, min(plan_score, current_score))
    outcome = StudyOutcome.RECOMMENDED if gain > bound else StudyOutcome.KEEP_CURRENT if gain < -bound else StudyOutcome.NO_DIFFERENCE
    is_behind = noise.sd > 0 and -gain > noise.sd  # proven or not, it did worse by more than the noise of one run
    takes_current = outcome is StudyOutcome.KEEP_CURRENT or (outcome is StudyOutcome.NO_DIFFERENCE and is_behind and isinstance(lab.task.current, Settings))
    finding = _against_current(lab, gain, bound=bound, plan=plan, current=current, noise=noise)
    return Beside(outcome=outcome, findings=(finding,), in_full=current, takes_current=takes_current)


def _bound_without_noise(lab: Laboratory, better: float) -> float:
    """What a difference must exceed where the noise is unknown: a quarter of what the better of the two learnt; a metric's difference counts for nothing."""
    return UNKNOWN_NOISE_SHARE * abs(lab.checked.initial_loss - better) if lab.task.goal == "loss" else math.inf


def _against_current(lab: Laboratory, gain: float, *, bound: float, plan: Experiment, current: Experiment, noise: SeedNoise) -> Finding:
    n_plan, n_current = len(plan.arms), len(current.arms)
    is_sure = noise.sd > 0 and abs(gain) > 2 * bound and n_plan > MANY_SEEDS
    usual = "what is usual where so much is learnt" if not noise.measured else f"what is usual and {noise.measured + 1} seeds"
    known = f"noise between seeds {noise.sd:.2g} ({usual}); more than {bound:.2g} would not be chance." if noise.sd else "their noise is not known."
    finite = math.isfinite(gain)
    margin = noise.bound(n_plan, n_current)
    return Finding(
        kind="against_current",
        value=gain if finite else None,
        interval=(gain - margin, gain + margin) if finite and margin else None,
        confidence=0.9 if is_sure else 0.6,
        evidence=f"Validation {lab.task.goal} of the plan against your current settings on {n_plan} and {n_current} fresh seeds; {known}",
        not_established="How the current settings spread over seeds."
        if n_plan > 1
        else "How far seeds of full trainings spread here: that takes more --confirm-seeds.",
    )


def _score(lab: Laboratory, run: Run) -> float:
    return score(run.curve, goal=lab.task.goal, higher_is_better=lab.task.goal_is_higher_better)


def _told(lab: Laboratory, run: Run) -> str:
    value = final_value(run.curve, goal=lab.task.goal)
    return f"{value:.4g}" if math.isfinite(value) else "diverged"


def _examples(run: Run) -> int:
    return run.spec.total_steps * run.spec.settings.batch_size
