"""Reads the ladder: joint choices of learning rate, momentum and weight decay in whole annealed runs of rising length.

Says who won each rung, whether the loss still falls from rung to rung, and what the lowest rung tells of each knob. What made the choices is in the recipe.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from statistics import fmean, median

from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.reading.capacity import FALLING, LEVEL, RISING
from tunesmith.reading.goal import score
from tunesmith.reading.joint_choices import JointChoice, joint_choices
from tunesmith.reading.ladder_knobs import KnobContrast, first_contrasts, noise_up_to
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

ONE_RUNG, FAILED = "one_rung", "failed"
TREND_WORDS = {FALLING: "better", LEVEL: "level", RISING: "worse"}
"""What a longer run is beside a shorter one, whichever way the goal counts."""
_START_UPDATES = 5
"""From the losses of the first updates what a run learnt is counted (our choice)."""


@dataclass(frozen=True, kw_only=True)
class LadderScore:
    """One joint choice at one length.

    Attributes:
        choice: The choice.
        steps: Updates of its runs.
        lr, weight_decay: What the runs had at this length.
        losses: Seed → final validation loss (or the goal, as a score where smaller is better); infinite where the run did not finish.
    """

    choice: JointChoice
    steps: int
    lr: float
    weight_decay: float
    losses: Mapping[int, float]

    @property
    def loss(self) -> float:
        """Mean over the seeds; infinite where any failed: a setting at the brink loses to one a step back from it."""
        return fmean(self.losses.values())


@dataclass(frozen=True, kw_only=True)
class LadderRung:
    """Every choice that was run at one length.

    Attributes:
        steps: Updates of each run.
        scores: The best first, compared on the seeds that two choices share; those that failed on any seed last.
        fall: By how much the loss of the winner's choice is lower than on the rung below (than the winner there, where it was not run there), on the seeds that
            both have; None for the lowest rung.
        trend: "falling", "level" or "rising" from the rung below, of the score, smaller is better; empty for the lowest rung, and where no run finished on
            either. A rise must be larger than the noise between seeds, where that is known.
    """

    steps: int
    scores: tuple[LadderScore, ...]
    fall: float | None = None
    trend: str = ""

    @property
    def winner(self) -> LadderScore | None:
        """The best; None where no run finished."""
        return self.scores[0] if math.isfinite(self.scores[0].loss) else None


@dataclass(frozen=True, kw_only=True)
class LadderReading:
    """The ladder.

    Attributes:
        outcome: Of the last rung beside the one below it: "falling" (longer is better), "level" or "rising"; "one_rung" where there is no other, "failed" where
            no run finished.
        rungs: By length.
        choices: In the order in which they were first run.
        best: The winner of a rung with the smallest mean; None where no run finished.
        contrasts: What the lowest rung tells of peak, momentum and weight decay; none of a knob that was not varied there.
        noise: Standard deviation between seeds of the lowest rung's winner, of all that were repeated there where it was not; 0 where none was.
        start: Loss of an untrained network; None where the goal is a metric.
        learnt: What the best run learnt, of which tolerances are shares.
        findings: The evidence.
        advice: What to do.
    """

    outcome: str
    rungs: tuple[LadderRung, ...]
    choices: tuple[JointChoice, ...]
    best: LadderScore | None
    contrasts: tuple[KnobContrast, ...]
    noise: float
    start: float | None
    learnt: float
    findings: tuple[Finding, ...]
    advice: str

    @property
    def level_from(self) -> int | None:
        """The length from which on no rung falls; None where the last one does, and where nothing was compared."""
        if self.outcome not in (LEVEL, RISING):
            return None
        last_fall = max((index for index, rung in enumerate(self.rungs) if rung.trend == FALLING), default=0)
        return self.rungs[last_fall].steps


def read_ladder(
    experiment: Experiment,
    *,
    goal: str = "loss",
    higher_is_better: bool = False,
    optimizer_name: str = "",
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> LadderReading:
    """What the ladder's runs say.

    Args:
        experiment: What recipe `ladder` stored: whole cycles of several lengths; arms with equal settings are seeds.
        goal: What decides: "loss" or a metric's name.
        higher_is_better: Its direction.
        optimizer_name: Says how momentum counts in a total decay; where it is empty, the runs tell.
        thresholds: `level_rise` says which share of what was learnt counts as level from rung to rung, `close_noise` from how much noise on choices can be
            told apart.

    Raises:
        CurveError: No whole cycle.

    Example:
        >>> from tunesmith.curve import Curve, Run
        >>> from tunesmith.settings import RunSpec, Settings
        >>> def arm(lr, steps, loss):
        ...     curve = Curve(lr=(lr,), momentum=(0.9,), train_loss=(2.0,), eval_step=(1,), valid_loss=(loss,))
        ...     return Arm(label="", value=lr, run=Run(spec=RunSpec(settings=Settings(lr=lr), total_steps=steps, seed=0), curve=curve))
        >>> arms = (arm(0.1, 50, 1.0), arm(0.04, 50, 1.2), arm(0.079, 125, 0.6), arm(0.067, 250, 0.595))
        >>> reading = read_ladder(Experiment(probe="ladder", arms=arms))
        >>> reading.outcome, reading.level_from, [rung.trend for rung in reading.rungs], reading.best.lr
        ('level', 125, ['', 'falling', 'level'], 0.067)
    """
    own = tuple(arm for arm in experiment.arms if not arm.run.spec.condition)  # a changed task is no rung of this one
    chosen = joint_choices(own, optimizer_name=optimizer_name)
    if not chosen:
        raise CurveError(f"A ladder must be read from whole cycles, and '{experiment.probe}' holds none. Pass the experiment of recipe ladder.")
    scores = [
        _score(choice, steps, arms, goal=goal, higher_is_better=higher_is_better) for choice, lengths in chosen.items() for steps, arms in lengths.items()
    ]
    start = _start(own) if goal == "loss" else None
    by_length = _from_the_first_that_learnt(_by_length(scores), start=start, least=thresholds.started_drop)
    best = min((found[0] for found in by_length if math.isfinite(found[0].loss)), key=lambda found: found.loss, default=None)
    learnt = _learnt(own, best, start=start, goal=goal)
    noise = noise_up_to([found.losses for found in by_length[0]], by_length[0][0].loss)
    level = thresholds.level_rise * learnt
    rungs = _rungs(by_length, level=level, rise=max(level, thresholds.close_noise * noise * math.sqrt(2)))
    scored = {rung.steps: {found.choice: found.losses for found in rung.scores} for rung in rungs}
    contrasts = first_contrasts(scored, learnt=learnt, close_noise=thresholds.close_noise)
    outcome = FAILED if best is None else ONE_RUNG if len(rungs) == 1 else next(rung.trend for rung in reversed(rungs) if rung.trend)
    advice = _advice(outcome, rungs, best)
    return LadderReading(
        outcome=outcome, rungs=rungs, choices=tuple(chosen), best=best, contrasts=contrasts, noise=noise, start=start, learnt=learnt,
        findings=(*(contrast.finding for contrast in contrasts), *_length_findings(rungs, best)), advice=advice,
    )  # fmt: skip


def _score(choice: JointChoice, steps: int, arms: Sequence[Arm], *, goal: str, higher_is_better: bool) -> LadderScore:
    settings = arms[0].run.spec.settings
    losses = {arm.run.spec.seed: score(arm.run.curve, goal=goal, higher_is_better=higher_is_better) for arm in arms}
    return LadderScore(choice=choice, steps=steps, lr=settings.lr, weight_decay=settings.weight_decay, losses=losses)


def _start(arms: Sequence[Arm]) -> float | None:
    first = [loss for arm in arms for loss in arm.run.curve.train_loss[:_START_UPDATES] if math.isfinite(loss)]
    return median(first) if first else None


def _learnt(arms: Sequence[Arm], best: LadderScore | None, *, start: float | None, goal: str) -> float:
    """What the best run learnt; of a metric what runs gained between their first and last evaluation. Zero where nothing is known."""
    if best is not None and start is not None:
        return max(0.0, start - best.loss)
    gained = [abs(found[-1] - found[0]) for arm in arms if len(found := arm.run.curve.metrics.get(goal, ())) > 1]
    return median([gain for gain in gained if math.isfinite(gain)] or [0.0])


def _by_length(scores: Sequence[LadderScore]) -> list[tuple[LadderScore, ...]]:
    """The scores of each length, the shortest first, and of each the best first."""
    lengths = sorted({found.steps for found in scores})
    return [tuple(sorted((found for found in scores if found.steps == steps), key=cmp_to_key(_order))) for steps in lengths]


def _from_the_first_that_learnt(by_length: list[tuple[LadderScore, ...]], *, start: float | None, least: float) -> list[tuple[LadderScore, ...]]:
    """Without the lengths at which nothing was learnt yet: what differs there is noise. All of them where nothing ever was."""
    learnt = [start is None or start - scores[0].loss >= least * abs(start) for scores in by_length]
    return by_length[learnt.index(True) :] if True in learnt else by_length


def _order(one: LadderScore, other: LadderScore) -> int:
    worse = _beside(one, other)
    return (worse > 0) - (worse < 0)


def _beside(one: LadderScore, other: LadderScore) -> float:
    """How much worse one choice is than another, on the seeds that both have: what a seed does to both cancels."""
    if not (math.isfinite(one.loss) and math.isfinite(other.loss)):
        return float(math.isinf(one.loss)) - float(math.isinf(other.loss))
    seeds = one.losses.keys() & other.losses.keys()
    return fmean(one.losses[seed] - other.losses[seed] for seed in seeds) if seeds else one.loss - other.loss


def _rungs(by_length: Sequence[tuple[LadderScore, ...]], *, level: float, rise: float) -> tuple[LadderRung, ...]:
    rungs: list[LadderRung] = []
    for scores in by_length:
        rung = LadderRung(steps=scores[0].steps, scores=scores)
        rungs.append(_compared(rung, rungs[-1], level=level, rise=rise) if rungs else rung)
    return tuple(rungs)


def _compared(rung: LadderRung, below: LadderRung, *, level: float, rise: float) -> LadderRung:
    """The rung with what it gained over the one below."""
    if rung.winner is None or below.winner is None:
        trend = "" if rung.winner is below.winner else RISING if rung.winner is None else FALLING
        return LadderRung(steps=rung.steps, scores=rung.scores, trend=trend)
    same = next((found for found in below.scores if found.choice == rung.scores[0].choice and math.isfinite(found.loss)), below.winner)
    fall = _beside(same, rung.winner)
    trend = FALLING if fall > level else RISING if fall < -rise else LEVEL
    return LadderRung(steps=rung.steps, scores=rung.scores, fall=fall, trend=trend)


def _advice(outcome: str, rungs: Sequence[LadderRung], best: LadderScore | None) -> str:
    if best is None:
        return "No run finished: look at the data and the loss, or begin at smaller learning rates."
    said = f"{best.choice.label} (peak {best.lr:.2g} and weight decay {best.weight_decay:.2g} at {best.steps} updates)"
    match outcome:
        case "one_rung":
            return f"Best of the runs of {best.steps} updates: {said}. Try it at more updates before you trust it."
        case "falling":
            return f"Runs still end better the longer they are, up to {rungs[-1].steps} updates: train longer than that with {said}."
        case "level":
            return f"Longer runs no longer gain: train {best.steps} updates with {said}."
        case _:
            return f"The longest runs end worse: train {best.steps} updates with {said}."


def _length_findings(rungs: Sequence[LadderRung], best: LadderScore | None) -> tuple[Finding, ...]:
    if best is None or len(rungs) == 1:
        return ()
    trends = [f"{TREND_WORDS[rung.trend]} at {rung.steps}" for rung in rungs[1:] if rung.trend]
    return (
        Finding(
            kind="length", value=float(best.steps), confidence=0.6, evidence=f"From {rungs[0].steps} updates on the best runs end {', '.join(trends)}.",
            not_established="That no length between those tried, or beyond them, is better.",
        ),
    )  # fmt: skip
