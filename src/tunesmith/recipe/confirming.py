"""Confirms the plan on fresh seeds beside the user's current settings, answers overfitting by a shorter training, and says which of them to use."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith import probes
from tunesmith.cost import FORWARD_SHARE
from tunesmith.curve import Curve
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.plan import StudyOutcome, Trained
from tunesmith.reading.clues import has_learnt, read_clues
from tunesmith.reading.comparison import noise_between_seeds
from tunesmith.reading.goal import final_value, score
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.lengths import Lengths
from tunesmith.settings import Settings
from tunesmith.task import Task

MOST_ANSWERS = 2
UNKNOWN_NOISE_SHARE = 0.25
"""Of what was learnt: a difference beyond it is no noise, wherever seeds were not repeated (our choice)."""
MANY_SEEDS = 2
"""With more confirming seeds than this a difference from the current settings may be called confident (our choice)."""
OVERFITTING, TOO_HOT, UNDERFITTING = "overfitting", ("unstable", "diverged"), "underfitting"
"""Kinds of clue: overfitting is answered by another plan where it is decided, since a shorter training is cheap and taken only if better; the next two
where the reading is confident; at most twice (our choice). The last is said."""
NEVER_STARTED = "never_started"
"""The kind of clue that nothing can be recommended with."""
EVALUATION_SHARE = 0.2
HUGE_VALIDATION_SHARE = 0.5
MOST_EVALUATIONS, FEWEST_EVALUATIONS = 20, 5
"""Evaluations on the way of a confirming run: as many as cost a fifth of it, within these bounds (our choice: fewer than five show no shape). Where even the
fewest would cost more than half a training, because the validation set is huge, they use a fixed slice of it (our choice).
"""


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """The plan's fate.

    Attributes:
        outcome: RECOMMENDED, KEEP_CURRENT, NO_DIFFERENCE or ABSTAINED.
        settings: What to use.
        total_steps: Its length.
        confirmed: The plan's results on fresh seeds.
        current: The user's current settings, trained on the same seeds.
        findings: Clues and the comparison.
        advice: Sentences for the user.
    """

    outcome: StudyOutcome
    settings: Settings | None
    total_steps: int
    confirmed: Trained
    current: Trained | None
    findings: tuple[Finding, ...]
    advice: tuple[str, ...]


def confirm_plan(
    lab: Laboratory,
    settings: Settings,
    *,
    total_steps: int,
    seeds: int,
    short_runs: tuple[Experiment, ...],
    limits: Limits,
    lengths: Lengths | None = None,
) -> Confirmed:
    """Train the plan on fresh seeds; where it overfits, a shorter one on further fresh seeds, as long as that is better.

    Costs the plan's own length for each seed, again for each shorter plan tried, and one training with the current settings where the task gives them.

    Args:
        lab: Where runs are made.
        settings: The plan's knobs.
        total_steps: Its length.
        seeds: How many fresh seeds.
        short_runs: Experiments of the search: the noise between seeds is read from them.
        limits: A fixed length is not shortened, and a bounded weight decay not stretched beyond its bounds.
        lengths: Other lengths to try by how the plan does, before its clue is answered.
    """
    best, clue = _train_plan(lab, settings, total_steps=total_steps, seeds=lab.confirm_seeds(seeds))
    noise = _noise_of_full_runs(lab, best, short_runs)
    experiments, length = [best], total_steps
    for attempt in range(1, MOST_ANSWERS + 1):
        other_length = None if lengths is None else lengths.after(_mean_score(lab, best), length=length)
        answer = other_length or _answer(clue, settings, length=length, limits=limits)
        if answer is None:
            break
        changed, steps, sentence = answer
        lab.progress.decided(sentence)
        tried, new_clue = _train_plan(lab, changed, total_steps=steps, seeds=lab.confirm_seeds(seeds, first=attempt * seeds))
        experiments.append(tried)
        margin = 0.0 if other_length is not None or not math.isfinite(_mean_score(lab, best)) else noise
        if not _mean_score(lab, tried) < _mean_score(lab, best) - margin:
            break
        best, settings, length, clue = tried, changed, steps, new_clue
    lab.put(best)  # its place is before the current settings
    current = _train_current(lab, best)
    outcome, comparison = _verdict(lab, best, clue, current=current, short_runs=short_runs)
    others = tuple(dataclasses.replace(arm, label=_other_label(arm)) for experiment in experiments if experiment is not best for arm in experiment.arms)
    if others:
        clue = dataclasses.replace(
            clue, action="", not_established=f"{clue.not_established} The plan is the best of {len(experiments)} tried, by this very score."
        )
    shown = dataclasses.replace(best, arms=best.arms + others, findings=(clue, *comparison))
    lab.put(
        dataclasses.replace(shown, verdict=f"Trained in full on {len(best.arms)} fresh seed{'s' if len(best.arms) > 1 else ''}: {clue.kind.replace('_', ' ')}.")
    )
    chosen = best.arms[0].run.spec.settings
    if outcome is StudyOutcome.KEEP_CURRENT or (
        outcome is StudyOutcome.NO_DIFFERENCE
        and isinstance(lab.task.current, Settings)
        and _is_clearly_behind(lab, best, current=current, short_runs=short_runs)
    ):
        chosen = lab.task.current if isinstance(lab.task.current, Settings) else None
        length = current.arms[0].run.spec.total_steps if current is not None else length
    return Confirmed(
        outcome=outcome,
        settings=chosen,
        total_steps=length,
        confirmed=_trained(lab.task, best),
        current=None if current is None else _trained(lab.task, current),
        findings=(clue, *comparison),
        advice=_advice(outcome, clue),
    )


def trained(task: Task, curves: Sequence[Curve], *, seeds: Sequence[int]) -> Trained:
    """Final values of the goal, seed by seed."""
    return Trained(
        valid=tuple(final_value(curve, goal=task.goal) for curve in curves),
        test=None if task.test is None else tuple(final_value(curve, goal=task.goal, on_test=True) for curve in curves),
        seeds=tuple(seeds),
    )


def _trained(task: Task, experiment: Experiment) -> Trained:
    runs = [arm.run for arm in experiment.arms]
    return trained(task, [run.curve for run in runs], seeds=[run.spec.seed for run in runs])


def _train_plan(lab: Laboratory, settings: Settings, *, total_steps: int, seeds: list[int]) -> tuple[Experiment, Finding]:
    """The full runs, and the clue of the first of them that has something to mend; else that of the first."""
    lab.progress.stage("confirm", f"Training the plan: {total_steps} updates on {len(seeds)} fresh seed{'s' if len(seeds) > 1 else ''}.")
    experiment = probes.confirm(
        lab.task,
        settings,
        total_steps=total_steps,
        seeds=seeds,
        evaluations=evaluations(lab),
        valid_examples=validation_slice(lab),
        execute=lab.executor("confirm"),
    )
    clues = [read_clues(arm.run.curve, thresholds=lab.thresholds)[0] for arm in experiment.arms]
    return experiment, next((clue for clue in clues if clue.kind in (OVERFITTING, *TOO_HOT)), clues[0])


def _answer(clue: Finding, settings: Settings, *, length: int, limits: Limits) -> tuple[Settings, int, str] | None:
    """What to train instead, its length, and why; None where there is nothing to mend, or what would mend it is fixed.

    A plan that overfits is trained to where its loss was lowest, but to between an eighth and three quarters of its length, with the same total decay.
    One that is unstable or diverges gets half its peak.
    """
    if clue.kind == OVERFITTING and clue.since_step is not None and limits.is_free("epochs"):
        shorter = max(1, round(length * min(0.75, max(0.125, clue.since_step / length))))
        decay = limits.clip("weight_decay", settings.weight_decay * length / shorter)
        sentence = f"The plan overfits from update {clue.since_step} of {length} on: trying {shorter} updates, on fresh seeds."
        return dataclasses.replace(settings, weight_decay=decay), shorter, sentence
    lr = limits.clip("lr", settings.lr / 2)
    if clue.kind in TOO_HOT and clue.is_confident and lr < settings.lr:
        return dataclasses.replace(settings, lr=lr, min_lr=None), length, f"The plan is {clue.kind} at peak {settings.lr:.2g}: trying {lr:.2g}, on fresh seeds."
    return None


def _other_label(arm: Arm) -> str:
    settings = arm.run.spec.settings
    return f"tried, not taken: lr {settings.lr:.2g}, {arm.run.spec.total_steps} updates, {arm.label}"


def _train_current(lab: Laboratory, best: Experiment) -> Experiment | None:
    if lab.task.current is None:
        return None
    lab.progress.stage("current", "Training with your current settings, on the plan's first seed.")
    seeds = [best.arms[0].run.spec.seed]
    return lab.put(probes.current(lab.task, seeds=seeds, evaluations=evaluations(lab), valid_examples=validation_slice(lab), execute=lab.executor("baseline")))


def _mean_score(lab: Laboratory, experiment: Experiment) -> float:
    scores = [score(arm.run.curve, goal=lab.task.goal, higher_is_better=lab.task.goal_is_higher_better) for arm in experiment.arms]
    return sum(scores) / len(scores)


def _is_clearly_behind(lab: Laboratory, best: Experiment, *, current: Experiment | None, short_runs: tuple[Experiment, ...]) -> bool:
    """Whether the plan did worse than the current settings by more than the noise of one run: then those are what to use, proven or not."""
    noise = _noise_of_full_runs(lab, best, short_runs)
    return noise > 0 and current is not None and _mean_score(lab, best) - _mean_score(lab, current) > noise


def _verdict(
    lab: Laboratory, best: Experiment, clue: Finding, *, current: Experiment | None, short_runs: tuple[Experiment, ...]
) -> tuple[StudyOutcome, tuple[Finding, ...]]:
    plan_score, current_score = _mean_score(lab, best), math.inf if current is None else _mean_score(lab, current)
    if not math.isfinite(plan_score) and not math.isfinite(current_score):
        return StudyOutcome.ABSTAINED, ()
    if current is None:
        learnt = clue.kind != NEVER_STARTED and any(has_learnt(arm.run.curve, thresholds=lab.thresholds) for arm in best.arms)
        return StudyOutcome.RECOMMENDED if learnt else StudyOutcome.ABSTAINED, ()
    gain = current_score - plan_score
    noise = _noise_of_full_runs(lab, best, short_runs)
    bound = lab.thresholds.close_noise * noise * math.sqrt(1 / len(best.arms) + 1 / len(current.arms))
    if not noise:
        bound = _bound_without_noise(lab, min(plan_score, current_score))
    outcome = StudyOutcome.RECOMMENDED if gain > bound else StudyOutcome.KEEP_CURRENT if gain < -bound else StudyOutcome.NO_DIFFERENCE
    is_sure = abs(gain) > 2 * bound > 0 and len(best.arms) > MANY_SEEDS
    return outcome, (_against_current(lab, gain, best=best, current=current, noise=noise, is_sure=is_sure),)


def _bound_without_noise(lab: Laboratory, better: float) -> float:
    """What a difference must exceed where no setting was repeated: a quarter of what the better of the two learnt; a metric's difference counts for nothing."""
    return UNKNOWN_NOISE_SHARE * abs(lab.checked.initial_loss - better) if lab.task.goal == "loss" else math.inf


def _against_current(lab: Laboratory, gain: float, *, best: Experiment, current: Experiment, noise: float, is_sure: bool) -> Finding:
    n_plan, n_current = len(best.arms), len(current.arms)
    known = f"noise between seeds {noise:.2g}, {'measured' if n_plan > 1 else 'estimated from short runs'}." if noise else "their noise is not known."
    return Finding(
        kind="against_current",
        value=gain if math.isfinite(gain) else None,
        confidence=0.9 if is_sure else 0.6,
        evidence=f"Validation {lab.task.goal} of the plan against your current settings on {n_plan} and {n_current} fresh seeds; {known}",
        not_established="How the current settings spread over seeds."
        if n_plan > 1
        else "How far seeds of full trainings spread: that takes more --confirm-seeds.",
    )


def _noise_of_full_runs(lab: Laboratory, best: Experiment, short_runs: tuple[Experiment, ...]) -> float:
    """Standard deviation between seeds of full runs: measured where the plan was trained on several, else that of the short runs in proportion to the loss."""
    goal, higher = lab.task.goal, lab.task.goal_is_higher_better
    full = [value for arm in best.arms if math.isfinite(value := score(arm.run.curve, goal=goal, higher_is_better=higher))]
    if len(full) > 1:  # arms of one setting, one a seed, whatever their labels say
        return statistics.stdev(full)
    noise = noise_between_seeds(short_runs, goal=goal, higher_is_better=higher)
    levels = [value for run in short_runs for arm in run.arms if math.isfinite(value := score(arm.run.curve, goal=goal, higher_is_better=higher))]
    level, plan = statistics.median(levels) if levels else 0.0, _mean_score(lab, best)
    return noise * plan / level if 0 < plan < level else noise


def evaluations(lab: Laboratory) -> int:
    """Evaluations on the way that a confirming run can afford."""
    affordable = EVALUATION_SHARE * lab.full_training_examples / (FORWARD_SHARE * lab.checked.n_valid)
    return int(min(MOST_EVALUATIONS, max(FEWEST_EVALUATIONS, affordable)))


def validation_slice(lab: Laboratory) -> int | None:
    """How much of the validation set a full run is judged on: all of it, or what keeps its evaluations at half a training where that set is huge."""
    affordable = HUGE_VALIDATION_SHARE * lab.full_training_examples / (FORWARD_SHARE * (FEWEST_EVALUATIONS + 1))
    return None if lab.checked.n_valid <= affordable else max(1, int(affordable))


def _advice(outcome: StudyOutcome, clue: Finding) -> tuple[str, ...]:
    said = {
        StudyOutcome.RECOMMENDED: "Use the plan.",
        StudyOutcome.KEEP_CURRENT: "Keep what you train with today: the plan was not better.",
        StudyOutcome.NO_DIFFERENCE: "The plan and what you train with today cannot be told apart: either will do.",
        StudyOutcome.ABSTAINED: "The plan did not train the network on a fresh seed: look at the data, raise the budget, or fix a smaller lr.",
    }[outcome]
    if outcome is StudyOutcome.KEEP_CURRENT:
        return (said,)
    little = (f"It learns little: {clue.evidence}",) if clue.kind == UNDERFITTING else ()
    return (said, *little, *((clue.action,) if clue.action else ()))
