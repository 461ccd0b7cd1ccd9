"""Recipe `ladder`: learning rate, momentum, weight decay and length together, by short annealed runs on a ladder of lengths; then the batch size.

Range test → a line of peaks and another momentum on the lowest rung → the two best and more decay, 2.5 times as long → the best, twice as long again → as long
as the loss falls → another batch size, where gradients and time model promise more in the same time. Every run is a whole cycle to zero with the total decay of
a full training, from the same weights, in the same order and judged on the same validation examples; the length is chosen with the rest.

- Where the lowest rung has learnt nothing yet, it is left out and the next one is the lowest.
- Where the second rung is worse than the first, much smaller peaks and more decay are tried on it instead of the third.
- Where the loss still falls at the top, the plan has all of T, or half-way where the training loss falls much faster than the validation loss (`Lengths` says
  what confirming then tries); where it is level, the plan is as long as the shortest run that is not worse, but at least T/8 if so much was not tried.
- What the rungs leave over goes to the task's conditions, then to repeats on the lowest rung for the noise between seeds.

Of the budget .08 at most go to the bracket (.16 where that were below 20 updates) and .0625 to the range test, twice where the first is lost at once. A range
test that cannot be read does not end the search: the runs decide, and it ends where they learn nothing. The rungs are a 20th, an 8th and a quarter of a full
training, times the budget where that is below 1, and never below 16 updates. A small budget first loses the repeats and conditions, then the upper rungs, until
three arms of the lowest are affordable, then the side arms. What a budget above 1 leaves goes half to the neighbours of the best on the top rung, half to
longer runs. All of this is our choice, by the measurements in LOG.md.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plan import StudyOutcome
from tunesmith.probes.lr_range import FEWEST_STEPS
from tunesmith.recipe.allowance import BRACKET_SHARE, bracket_steps
from tunesmith.recipe.batch_choice import sampling_of
from tunesmith.recipe.found import NO_RANGE, Found, first_settings, spent
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.ladder.batch import BatchChoice, choose_batch_size, comparison_price
from tunesmith.recipe.ladder.conditions import weigh_conditions
from tunesmith.recipe.ladder.findings import ladder_findings
from tunesmith.recipe.ladder.joint import FEWEST_ARMS, REPEATED, gentler, lowest_rung, neighbours, promoted, second_rung
from tunesmith.recipe.ladder.lengths import Lengths, overfitting_looms
from tunesmith.recipe.ladder.rungs import Joint, Ladder, Tried
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.sweep import run_bracket, run_sweeps
from tunesmith.recipe.time_model import TimeModel
from tunesmith.settings import Settings
from tunesmith.task import Task

LADDER_KNOBS = ("lr", "momentum", "weight_decay", "epochs")
"""What the ladder decides."""
_NO_RUN = "No short run finished with a finite {goal} at any learning rate tried: look at the data and the loss, widen the bounds of lr, or train in fp32."
RANGE_SHARE = 1 / 16
UNREAD_SHARE = 1 / 2
"""Of where the bracket ended: the largest peak worth trying where the range test cannot be read; the runs decide (our choice)."""
RUNG_SHARES = (1 / 20, 1 / 8, 1 / 4)
FEWEST_RUNG_STEPS = 16
ALMOST_ALL = 0.9
"""Of a full training: from here on a length counts as all of it (our choice)."""
SHORTEST_FALLBACK, SHORTEST_LEVEL = 1 / 4, 1 / 8
"""Of a full training: a plan that disappoints is not shortened below the first, and one whose loss seems level not below the second, however short the rungs of
a small budget were (our choice: the noise of so short runs looks level, and a run of that length costs little to confirm)."""


@dataclass(frozen=True, kw_only=True)
class Climbed:
    """What the ladder ended with.

    Attributes:
        found: Settings and findings, or why there are none.
        total_steps: Length of the plan.
        lengths: Which other lengths of it to try, and when.
        fallback: The plan at the first batch size, for where it does not train at another; None where it has that.
        experiment: Every annealed run; None where there is none.
    """

    found: Found
    total_steps: int = 0
    lengths: Lengths = field(default_factory=Lengths)
    fallback: tuple[Settings, int] | None = None
    experiment: Experiment | None = None


def climb(lab: Laboratory, limits: Limits, *, sizes: Sequence[int], times: TimeModel, conditions: Mapping[str, Task]) -> Climbed:
    """Every rung in order; settings and a length to confirm, or an abstention with its reason.

    Args:
        lab: Where runs are made.
        limits: What the user fixed or bounded.
        sizes: Candidate batch sizes; all runs but those that compare sizes have the first.
        times: The time model, of those sizes that it knows.
        conditions: Name → the task with another network, weighed with what the rungs leave over.
    """
    batch_size = sizes[0]
    settings = first_settings(lab, limits, batch_size=batch_size)
    if not limits.leaves_any(LADDER_KNOBS):
        return _as_fixed(lab, limits, settings)
    largest, has_edge, unread = limits.clip("lr", settings.lr), False, None
    swept: tuple[Finding, ...] = ()
    if limits.is_free("lr"):
        _, end_lr = run_bracket(lab, settings, share=bracket_share(lab, batch_size))
        sweeps, reading = run_sweeps(lab, settings, end_lr=end_lr, share=RANGE_SHARE)
        swept, has_edge = sweeps.findings, reading.edge is not None
        unread = reading.outcome if reading.largest_lr is None else None
        largest = limits.clip("lr", reading.largest_lr or UNREAD_SHARE * end_lr)
    rungs = _rungs(lab, settings)
    sampling = sampling_of(lab, times, base=batch_size)
    slice_steps = rungs[min(1, len(rungs) - 1)]
    ladder = _on(Ladder(lab=lab, limits=limits, base=settings, lowest_steps=rungs[0], slice_steps=slice_steps, sampling=sampling), rungs)
    tried = lowest_rung(ladder, largest_lr=largest, has_edge=has_edge, reserve=_reserve(ladder, rungs))
    while tried and len(rungs) > 1 and math.isfinite(tried[0].score) and not _has_learnt(ladder, tried[0]):  # a network that starts slowly shows nothing yet
        rungs = rungs[1:]
        raised = _on(ladder.raised(lowest_steps=rungs[0]), rungs)
        again = lowest_rung(raised, largest_lr=largest, has_edge=has_edge, reserve=_reserve(raised, rungs))
        if not again:
            break
        ladder, tried = raised, again
    if not tried:
        return Climbed(found=spent(lab, findings=swept))
    if not math.isfinite(tried[0].score):
        if not limits.is_free("lr"):
            return _as_fixed(lab, limits, settings)
        advice = NO_RANGE[unread] if unread is not None else _NO_RUN.format(goal=lab.task.goal)
        return Climbed(found=Found(outcome=StudyOutcome.ABSTAINED, findings=swept, advice=(advice,)))
    if unread is not None and not _has_learnt(ladder, tried[0]):
        return Climbed(found=Found(outcome=StudyOutcome.ABSTAINED, findings=swept, advice=(NO_RANGE[unread],)))
    return _climbed(ladder, rungs, swept=swept, conditions=conditions, sizes=sizes, times=times)


def _on(ladder: Ladder, rungs: list[int]) -> Ladder:
    """The ladder with as many rungs as leave enough for the lowest; says what is going to be run."""
    while len(rungs) > 1 and ladder.affordable(steps=rungs[0], reserve=_reserve(ladder, rungs)) < FEWEST_ARMS:
        rungs.pop()
    told = ", ".join(str(steps) for steps in rungs)
    ladder.lab.progress.stage("ladder", f"Annealed runs of {told} updates over learning rate, momentum and weight decay.")
    return ladder


def _has_learnt(ladder: Ladder, best: Tried) -> bool:
    """Whether a run's loss fell by enough to tell settings apart; a metric says nothing about that."""
    least = ladder.lab.thresholds.started_drop * abs(ladder.lab.checked.initial_loss)
    return ladder.lab.task.goal != "loss" or ladder.learnt(best) >= least


def _as_fixed(lab: Laboratory, limits: Limits, settings: Settings) -> Climbed:
    """What the user decided, to be confirmed in full: where nothing is left to choose, or where no short run with it finishes."""
    lr = limits.clip("lr", settings.lr)
    found = Found(outcome=StudyOutcome.RECOMMENDED, settings=dataclasses.replace(settings, lr=lr, min_lr=None))
    return Climbed(found=found, total_steps=lab.task.steps_at(settings.batch_size))


def bracket_share(lab: Laboratory, batch_size: int) -> float:
    """Of the budget: what recipe `report` gives the bracket, or twice that where it were too few updates."""
    usual = bracket_steps(search_examples=lab.budget * lab.full_training_examples, batch_size=batch_size)
    return BRACKET_SHARE if usual >= FEWEST_STEPS else 2 * BRACKET_SHARE


def _climbed(
    ladder: Ladder, rungs: list[int], *, swept: tuple[Finding, ...], conditions: Mapping[str, Task], sizes: Sequence[int], times: TimeModel
) -> Climbed:
    """From the lowest rung to the plan."""
    below, top = _up(ladder, rungs)
    if ladder.lab.budget > 1:
        top = neighbours(ladder, top, spend=ladder.lab.left / 2)
    falls = _falls(ladder, below, top)
    while falls and top.steps < ladder.full_steps and (longer := ladder.run([top.joint], steps=_doubled(ladder, top.steps), samples=True)):
        below, top = top, longer[0]
        falls = _falls(ladder, below, top)
    weighed = weigh_conditions(ladder, _payable(ladder, top.joint), conditions=conditions)
    ladder.lab.study.put_experiment(ladder.experiment())  # its place is before the batch size
    batch = choose_batch_size(ladder, top, sizes=sizes, times=times)
    ladder.run(promoted(ladder.tried(rungs[0]), count=REPEATED), steps=rungs[0], repeat=1)
    best = top if top.score < below.score - ladder.near(top) else below
    return _planned(ladder, best, batch, looms=falls and _looms(below, top), falls=falls, others=(*swept, *weighed))


def _up(ladder: Ladder, rungs: list[int]) -> tuple[Tried, Tried]:
    """The best of the highest rung that was reached, and what to hold it against: the same choice one rung lower, where it was run.

    Where the second rung is worse than the first, the third would be worse again. What it costs goes to gentler choices on the second; where none of them is
    better than the first rung, that one's best comes back as the lower of the two, and the length ends there.
    """
    below = top = ladder.tried(rungs[0])[0]
    for i, steps in enumerate(rungs[1:], start=1):
        joints = second_rung(ladder) if i == 1 else [top.joint]
        reserve = sum(ladder.price(upper) for upper in rungs[i + 1 :])
        above = ladder.run(joints[:2], steps=steps, reserve=reserve, samples=True)
        above += ladder.run(joints[2:], steps=steps, reserve=reserve + comparison_price(ladder)) if above else []
        if above:
            below, top = top, ladder.careful(above)
        if i == 1 and top.score > below.score + ladder.near(below):
            ladder.run(gentler(ladder, top.joint), steps=steps)
            top = ladder.careful(ladder.tried(steps))
            if top.score > below.score - ladder.near(below):
                return below, top
            break
    return next((one for one in ladder.tried(below.steps) if one.joint == top.joint), below), top


def _planned(ladder: Ladder, best: Tried, batch: BatchChoice, *, looms: bool, falls: bool, others: tuple[Finding, ...]) -> Climbed:
    """The plan's settings and length: that of the best run where longer ones gained nothing, else all of it, or half-way where overfitting looms."""
    full, limits = ladder.full_steps, ladder.limits

    def sized(steps: int) -> tuple[Settings, int]:
        return batch.moved(ladder.settings_for(best.joint, steps=steps, is_plan=True), steps)

    least = round((SHORTEST_FALLBACK if falls else SHORTEST_LEVEL) * full)
    if not falls and any(one.joint == best.joint and one.steps > best.steps and one.steps >= least for one in ladder.tried()):
        least = best.steps  # so much longer was tried, and was no better
    short_steps = min(full, max(best.steps, least))
    shorter, half_way = sized(short_steps), sized(max(_doubled(ladder, best.steps), short_steps))
    if not limits.is_free("epochs"):
        plan, lengths = sized(full), Lengths()
    elif not falls or best.steps == full:
        plan, lengths = shorter, Lengths()
    else:
        plan = half_way if looms else sized(full)
        fall = ladder.level(best)
        lengths = Lengths(shorter=shorter, longer=sized(full) if looms else None, score=best.score, fall=fall)
    findings = ladder_findings(ladder, plan[0], batch, best=best, steps=plan[1])
    experiment = dataclasses.replace(ladder.experiment(), findings=findings, verdict=_verdict(ladder, plan, best=best, falls=falls, looms=looms))
    experiment = ladder.lab.put(experiment)
    found = Found(outcome=StudyOutcome.RECOMMENDED, settings=plan[0], findings=(*findings, *others))
    whole = ladder.settings_for(best.joint, steps=full, is_plan=True), full
    fallback = None if batch.size == batch.base else whole if falls else (ladder.settings_for(best.joint, steps=short_steps, is_plan=True), short_steps)
    return Climbed(found=found, total_steps=plan[1], lengths=lengths, fallback=fallback, experiment=experiment)


def _payable(ladder: Ladder, joint: Joint) -> Tried:
    """The longest run of a choice that the budget could pay once more; its shortest where it can pay none."""
    ran = sorted((one for one in ladder.tried() if one.joint == joint), key=lambda one: -one.steps)
    return next((one for one in ran if ladder.affordable(steps=one.steps)), ran[-1])


def _doubled(ladder: Ladder, steps: int) -> int:
    """Twice the length; all of it where rounding left hardly more."""
    return ladder.full_steps if 2 * steps > ALMOST_ALL * ladder.full_steps else 2 * steps


def _verdict(ladder: Ladder, plan: tuple[Settings, int], *, best: Tried, falls: bool, looms: bool) -> str:
    better = "still falling" if not ladder.lab.task.goal_is_higher_better else "still rising"
    why = "level from one length to the next" if not falls else f"{better}, but much less than the training loss falls" if looms else better
    if not ladder.limits.is_free("epochs"):
        why += ", and the length is fixed"
    elif not falls and plan[1] > best.steps:
        why += ", but no run was long"
    told = f"{plan[1]} updates are confirmed first, with peak learning rate {plan[0].lr:.2g} and momentum {plan[0].momentum:g}"
    return f"At {best.steps} updates the {ladder.lab.task.goal} is {why}: {told}."


def _rungs(lab: Laboratory, settings: Settings) -> list[int]:
    """Updates of each rung, rising."""
    full = lab.task.steps_at(settings.batch_size)
    return sorted({min(full, max(FEWEST_RUNG_STEPS, round(share * min(1.0, lab.budget) * full))) for share in RUNG_SHARES})


def _reserve(ladder: Ladder, rungs: list[int]) -> float:
    """What the rungs above the lowest take: two runs on the next, one on each further."""
    return sum(ladder.price(steps) * (2 if i == 0 else 1) for i, steps in enumerate(rungs[1:]))


def _falls(ladder: Ladder, below: Tried, top: Tried) -> bool:
    """Whether the longer of two runs is better by more than what counts as level; a single rung says nothing, and then the longest is tried."""
    return top.steps == below.steps or top.score < below.score - ladder.level(top)


def _looms(below: Tried, top: Tried) -> bool:
    return top.steps > below.steps and overfitting_looms(below.arms[0].run.curve, top.arms[0].run.curve)
