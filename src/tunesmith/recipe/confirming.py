"""Confirms the plan on fresh seeds, answers what its curve shows by another length, peak or decay, and says whether to use it."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith import probes
from tunesmith.cost import FORWARD_SHARE
from tunesmith.curve import Curve
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.plan import StudyOutcome, Trained
from tunesmith.probes.annealed import shortened
from tunesmith.reading.clues import read_clues
from tunesmith.reading.goal import final_value
from tunesmith.recipe.beside import compare_with_current, mean_score, seed_noise
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.ladder.lengths import MUCH_SHORTER, Lengths
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import rounded
from tunesmith.settings import Settings
from tunesmith.task import Task

MOST_ANSWERS = 2
OVERFITTING, TOO_HOT, LITTLE = "overfitting", ("unstable", "diverged"), ("underfitting", "too_noisy")
"""Kinds of clue: overfitting is answered by another plan where it is decided, since a shorter training is cheap and taken only if better; the next two
where the reading is confident; at most twice (our choice). The last are said."""
SHORTEST_ANSWER, LONGEST_ANSWER = 0.125, 0.75
"""Of a plan's length: what a plan that overfits is shortened to lies between these (our choice)."""
LOWER = 2.0
"""Standard deviations between seeds by which a plan's loss must have been lower on the way for a shorter one to be tried (our choice)."""
MORE_DECAY, ADAM_DECAY = 4.0, 1e-4
"""Times the decay of a plan that overfits at a fixed length, and the least that an Adam then gets (our choice)."""
EVALUATION_SHARE = 0.1
HUGE_VALIDATION_SHARE = 0.5
MOST_EVALUATIONS, FEWEST_EVALUATIONS = 20, 5
"""Evaluations on the way of a confirming run: as many as cost a tenth of it, within these bounds (our choice: fewer than five show no shape). Where even the
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
        takes_current: Whether `settings` are the user's own.
    """

    outcome: StudyOutcome
    settings: Settings | None
    total_steps: int
    confirmed: Trained
    current: Trained | None
    findings: tuple[Finding, ...]
    advice: tuple[str, ...]
    takes_current: bool = False


def confirm_plan(
    lab: Laboratory,
    settings: Settings,
    *,
    total_steps: int,
    seeds: int,
    limits: Limits,
    search: Experiment | None = None,
    lengths: Lengths | None = None,
) -> Confirmed:
    """Train the plan on fresh seeds; where something is to be mended, a mended one on further fresh seeds, as long as that is better.

    Costs the plan's own length for each seed, the length of each other plan tried once, and where the task gives current settings a quarter of a training with
    them, or all of one where the quarter does not decide.

    Args:
        lab: Where runs are made.
        settings: The plan's knobs.
        total_steps: Its length.
        seeds: How many fresh seeds; all but the first are spent once it is known which plan is confirmed.
        limits: A fixed length is not shortened, and a bounded weight decay not stretched beyond its bounds.
        search: Annealed runs of several lengths to hold a quarter of the current settings' training against; None trains those in full.
        lengths: Other lengths to try by how the plan does, before its clue is answered.
    """
    best, clue = _train_plan(lab, settings, total_steps=total_steps, seeds=lab.confirm_seeds(1))
    experiments, length = [best], total_steps
    for attempt in range(1, MOST_ANSWERS + 1):
        other_length = None if lengths is None else lengths.after(mean_score(lab, best), length=length)
        answer = (
            other_length
            or _answer(lab, clue, settings, length=length, limits=limits)
            or _shorter(lab, settings, length=length, limits=limits, lowest_step=_lowest_on_the_way(lab, best))
        )
        if answer is None:
            break
        changed, steps, sentence = answer
        if steps != length and any(_is_much_alike(steps, experiment) for experiment in experiments):
            break
        lab.progress.decided(sentence)
        tried, new_clue = _train_plan(lab, changed, total_steps=steps, seeds=lab.confirm_seeds(1, first=attempt))
        experiments.append(tried)
        margin = 0.0 if other_length is not None or not math.isfinite(mean_score(lab, best)) else seed_noise(lab, best).sd
        if not mean_score(lab, tried) < mean_score(lab, best) - margin:
            break
        best, settings, length, clue = tried, changed, steps, new_clue
    if seeds > 1:
        more, other_clue = _train_plan(lab, settings, total_steps=length, seeds=lab.confirm_seeds(seeds - 1, first=len(experiments)))
        joined, clue = dataclasses.replace(best, arms=best.arms + more.arms), _graver(clue, other_clue)
        experiments, best = [joined if experiment is best else experiment for experiment in experiments], joined
    lab.put(best)  # its place is before the current settings
    beside = compare_with_current(lab, best, clue, search=search, evaluations=evaluations(lab), valid_examples=validation_slice(lab))
    outcome, comparison, current = beside.outcome, beside.findings, beside.in_full
    others = tuple(dataclasses.replace(arm, label=_other_label(arm)) for experiment in experiments if experiment is not best for arm in experiment.arms)
    if others:
        clue = dataclasses.replace(
            clue, action="", not_established=f"{clue.not_established} The plan is the best of {len(experiments)} tried, by this very score."
        )
    shown = dataclasses.replace(best, arms=best.arms + others, findings=(clue, *comparison))
    on = f"{len(best.arms)} fresh seed{'s' if len(best.arms) > 1 else ''}"
    lab.put(dataclasses.replace(shown, verdict=f"Trained to its end on {on}: {clue.kind.replace('_', ' ')}."))
    chosen = best.arms[0].run.spec.settings
    if beside.takes_current:
        chosen = lab.task.current if isinstance(lab.task.current, Settings) else None
        length = current.arms[0].run.spec.total_steps if current is not None else length
    return Confirmed(
        outcome=outcome,
        settings=chosen,
        total_steps=length,
        confirmed=dataclasses.replace(_trained(lab.task, best), interval=None if beside.takes_current else _interval(lab, best)),
        current=None if current is None else _trained(lab.task, current),
        findings=(clue, *comparison),
        advice=_advice(outcome, clue),
        takes_current=beside.takes_current,
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


def _is_much_alike(steps: int, experiment: Experiment) -> bool:
    """Whether a plan of about that length was trained already."""
    trained_steps = experiment.arms[0].run.spec.total_steps
    return max(steps, trained_steps) <= MUCH_SHORTER * min(steps, trained_steps)


def _interval(lab: Laboratory, best: Experiment) -> tuple[float, float] | None:
    """Where the goal of one new run ends in nine of ten cases."""
    values = [value for arm in best.arms if math.isfinite(value := final_value(arm.run.curve, goal=lab.task.goal))]
    if len(values) < len(best.arms):
        return None  # a plan that a seed of ten ruins has no such interval
    return seed_noise(lab, best).interval(sum(values) / len(values), n=len(values))


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
    return experiment, _graver(*clues)


def _graver(*clues: Finding) -> Finding:
    """The first that has something to mend; else the first."""
    return next((clue for clue in clues if clue.kind in (OVERFITTING, *TOO_HOT)), clues[0])


def _answer(lab: Laboratory, clue: Finding, settings: Settings, *, length: int, limits: Limits) -> tuple[Settings, int, str] | None:
    """What to train instead, its length, and why; None where there is nothing to mend, or what would mend it is fixed.

    A plan that overfits is trained to where its loss was lowest, but to between an eighth and three quarters of its length, with the same total decay; where
    its length is fixed, it gets four times the decay, and at least a total decay of 1. One that is unstable or diverges gets half its peak.
    """
    if clue.kind == OVERFITTING and clue.since_step is not None and limits.is_free("epochs"):
        return _shorter(lab, settings, length=length, limits=limits, lowest_step=clue.since_step)
    if clue.kind == OVERFITTING and limits.is_free("weight_decay"):
        least = ADAM_DECAY if lab.checked.acts_like == "adam" else 1 / lab.unit_decay(settings, total_steps=length)  # forgets its weights once
        more = limits.clip("weight_decay", rounded(max(MORE_DECAY * settings.weight_decay, least)))
        if more > settings.weight_decay:
            sentence = f"The plan overfits and its length is fixed: trying weight decay {more:.2g}, on fresh seeds."
            return dataclasses.replace(settings, weight_decay=more), length, sentence
    lr = limits.clip("lr", settings.lr / 2)
    if clue.kind in TOO_HOT and clue.is_confident and lr < settings.lr:
        return dataclasses.replace(settings, lr=lr, min_lr=None), length, f"The plan is {clue.kind} at peak {settings.lr:.2g}: trying {lr:.2g}, on fresh seeds."
    return None


def _shorter(lab: Laboratory, settings: Settings, *, length: int, limits: Limits, lowest_step: int | None) -> tuple[Settings, int, str] | None:
    """The plan trained to about where its loss was lowest, with the same total decay; None where it was not lower on the way, or the length is fixed."""
    if lowest_step is None or not limits.is_free("epochs"):
        return None
    shorter = max(1, round(length * min(LONGEST_ANSWER, max(SHORTEST_ANSWER, lowest_step / length))))
    matched = shortened(settings, total_steps=shorter, planned_steps=length, optimizer_name=lab.checked.acts_like)
    decay = limits.clip("weight_decay", rounded(matched.weight_decay))
    sentence = f"The plan's {lab.task.goal} was best at update {lowest_step} of {length}: trying {shorter} updates, on fresh seeds."
    return dataclasses.replace(settings, weight_decay=decay), shorter, sentence


def _lowest_on_the_way(lab: Laboratory, plan: Experiment) -> int | None:
    """The step at which the goal was better than at the end by more than noise; None where it was not, or only in the last quarter.

    An annealed run ends lower than it was at high learning rates, unless it overfits: so little is enough here that is no clue in other people's curves.
    """
    curve = plan.arms[0].run.curve
    values = curve.valid_loss if lab.task.goal == "loss" else curve.metrics.get(lab.task.goal, ())
    scores = [-value if lab.task.goal_is_higher_better else value for value in values]
    finite = [(found, step) for found, step in zip(scores, curve.eval_step, strict=False) if math.isfinite(found)]
    noise = seed_noise(lab, plan).sd
    if not finite or not noise or not math.isfinite(scores[-1]):
        return None
    lowest, step = min(finite)
    return step if scores[-1] - lowest > LOWER * noise and step <= LONGEST_ANSWER * curve.eval_step[-1] else None


def _other_label(arm: Arm) -> str:
    settings = arm.run.spec.settings
    return f"tried, not taken: lr {settings.lr:.2g}, {arm.run.spec.total_steps} updates, {arm.label}"


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
    little = (f"It learns little: {clue.evidence}",) if clue.kind in LITTLE else ()
    return (said, *little, *((clue.action,) if clue.action else ()))
