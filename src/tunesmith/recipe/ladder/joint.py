"""Which joint settings the ladder runs: a line of peaks and another momentum on the lowest rung, more decay on the second, then the neighbours of the best."""

import dataclasses
import math

from tunesmith.recipe.ladder.rungs import Joint, Ladder, Tried
from tunesmith.recipe.stages.state import rounded

FRACTIONS = (1.0, 0.4, 0.16)
"""Of the largest peak worth trying (our choice)."""
BEYOND = 2.5
"""Factor to the next peak where the best lies at the border of what was tried."""
SIDE_MOMENTA = (0.9, 0.97)
"""Beside the usual .95 (report, section 4.3); the second only with a large budget."""
DECAYS, ADAM_DECAYS = (0.1, 1.0), (0.0, 1e-4)
"""Total decays: one that hardly hinders, and one that regularises (our choice between the values of METHOD, section 2.5); for Adam weight decays."""
ALIKE = 1.5
"""Choices whose peaks are closer than this factor move the weights about as far: a rung learns little from having both (our choice)."""
NEIGHBOUR = 1.6
"""Factor to the neighbouring peaks of the best (our choice)."""
HOPELESS = 0.2
"""Choices that are worse than the best of their rung by this share of what that learnt are not run longer (our choice: the noise of so short runs seldom is a
fifth of it)."""
FEWEST_ARMS = 3
REPEATED = 2


def lowest_rung(ladder: Ladder, *, largest_lr: float, has_edge: bool, reserve: float) -> list[Tried]:
    """A line of peaks, one step further where the best lies at its border, then the best at another momentum; the best first.

    Args:
        ladder: Makes the runs.
        largest_lr: The largest peak worth trying.
        has_edge: Whether the range test saw the edge: then nothing beyond `largest_lr` is tried.
        reserve: Examples that must be left for the rungs above.
    """
    steps, limits = ladder.lowest_steps, ladder.limits
    low, _ = decays(ladder)
    base = Joint(lr=largest_lr, momentum=ladder.base.momentum, decay=low)

    def at(lr: float) -> Joint:
        return dataclasses.replace(base, lr=limits.clip("lr", rounded(lr)))

    def best() -> Joint:
        return ladder.tried(steps)[0].joint

    line = [at(largest_lr * fraction) for fraction in (FRACTIONS if limits.is_free("lr") else (1.0,))]
    if not ladder.run(line, steps=steps, reserve=reserve):
        return []
    if best().lr == min(joint.lr for joint in line):
        ladder.run([at(best().lr / BEYOND)], steps=steps, reserve=reserve)
    elif best().lr == max(joint.lr for joint in line) and not has_edge:
        ladder.run([at(best().lr * BEYOND)], steps=steps, reserve=reserve)
    if limits.is_free("momentum"):
        ladder.run([ladder.at_momentum(best(), SIDE_MOMENTA[0])], steps=steps, reserve=reserve)
    return ladder.tried(steps)


def second_rung(ladder: Ladder) -> list[Joint]:
    """The best of the lowest rung, the same with more decay, which runs any shorter do not feel, and the runner-up where it is still in the running."""
    best, *rivals = promoted(_in_the_running(ladder, ladder.tried(ladder.lowest_steps)), count=2)
    return [best, _more_decay(ladder, best), *rivals]


def promoted(tried: list[Tried], *, count: int) -> list[Joint]:
    """The best choice, and the next best that step differently: momenta at equal steps would be one choice twice, and what decay does comes late."""
    kept: list[Joint] = []
    for one in (one for one in tried if math.isfinite(one.score)):
        if not any(_are_alike(one.joint, other) for other in kept):
            kept.append(one.joint)
    return kept[:count]


def _in_the_running(ladder: Ladder, tried: list[Tried]) -> list[Tried]:
    """Those of a rung that a longer run might still put first, the best first."""
    return [one for one in tried if not ladder.learnt(tried[0]) or one.score <= tried[0].score + HOPELESS * ladder.learnt(tried[0])]


def gentler(ladder: Ladder, joint: Joint) -> list[Joint]:
    """What to try where longer runs of a choice are worse: much smaller peaks, and more decay (METHOD, section 2.7)."""
    peaks = [ladder.limits.clip("lr", rounded(joint.lr * fraction)) for fraction in FRACTIONS[:0:-1]] if ladder.limits.is_free("lr") else []
    return [*(dataclasses.replace(joint, lr=lr) for lr in peaks), _more_decay(ladder, joint)]


def neighbours(ladder: Ladder, best: Tried, *, spend: float) -> Tried:
    """The best of a choice and its neighbours in every knob, at its length; a better one is moved to at once. Spends at most `spend` examples.

    With what is then left, the two best are repeated on a second seed and the better mean wins.
    """
    steps, stop = best.steps, ladder.lab.left - spend
    for move in (_hotter, _cooler, _more_decay, _less_momentum, _more_momentum):
        joint = move(ladder, best.joint)
        ladder.run([joint], steps=steps, reserve=stop)
        best = ladder.careful(ladder.tried(steps))
    rivals = [best.joint, *(one.joint for one in ladder.tried(steps) if one.joint != best.joint)][:REPEATED]
    if ladder.affordable(steps=steps, reserve=stop) >= REPEATED == len(rivals):
        best = ladder.careful(ladder.run(rivals, steps=steps, reserve=stop, repeat=1))
    return best


def decays(ladder: Ladder) -> tuple[float, float]:
    """Little decay, and much."""
    return ADAM_DECAYS if ladder.lab.checked.acts_like == "adam" else DECAYS


def _are_alike(one: Joint, other: Joint) -> bool:
    return max(one.lr, other.lr) <= ALIKE * min(one.lr, other.lr)


def _hotter(ladder: Ladder, joint: Joint) -> Joint:
    return dataclasses.replace(joint, lr=ladder.limits.clip("lr", rounded(joint.lr * NEIGHBOUR)))


def _cooler(ladder: Ladder, joint: Joint) -> Joint:
    return dataclasses.replace(joint, lr=ladder.limits.clip("lr", rounded(joint.lr / NEIGHBOUR)))


def _more_decay(ladder: Ladder, joint: Joint) -> Joint:
    return dataclasses.replace(joint, decay=decays(ladder)[1]) if ladder.limits.is_free("weight_decay") else joint


def _less_momentum(ladder: Ladder, joint: Joint) -> Joint:
    return ladder.at_momentum(joint, SIDE_MOMENTA[0]) if ladder.limits.is_free("momentum") else joint


def _more_momentum(ladder: Ladder, joint: Joint) -> Joint:
    return ladder.at_momentum(joint, SIDE_MOMENTA[1]) if ladder.limits.is_free("momentum") else joint
