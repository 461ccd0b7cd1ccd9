"""Two standings → the probability that the first ends better, and on what it rests.

Two small models, fitted by `python -m benchmarks.clues.fit_outlook`; the fit half are the short runs of `benchmarks.clues.short_runs.FIT_TASKS`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from tunesmith.reading.outlook.standing import FEWEST, Measure, Standing

DECIDED_FROM = 0.75
"""Probability from which on a pair is decided (our choice: from .7 on .85 of the fit half's pairs in which neither run was lost are right; one step more)."""
MOST = 0.97
"""No more is believed of any pair (our choice: these are single runs of one seed each, and the models were fitted to three tasks)."""
SURVIVOR = 0.95
"""Probability that a run which was lost ends worse than one that was not (our choice; 225 of 228 pairs of the fit half, 240 of 261 of the others)."""
NEAR = 0.3
"""Differences count in full below this share of the drop, and in ever smaller measure beyond it (our choice among .1, .3 and 1)."""
COIN_TOSS = 0.5
DIFFERENT_FIRST = 3.0
"""First losses that differ by more than this factor may be losses of different kinds (our choice: untrained networks of one task differ by less)."""
_NEAR_GAP = 0.1
_ROUGH = 5.0
_MOST_ROUGH = 10.0
_NOISES = 3.0
MEMORY = 5.0
"""How fast the difference loses weight where training losses stand above validation losses: such a run may still memorise noise in its labels (our
choice among 0, 2, 5, 10, 20. The fit half's log loss prefers 10, .586 to .591; but with 5 answers are right in .85 from a probability of .7 on, with 10 only
from .85 on, so that fewer could be given)."""
REHEARSAL = (1.7, 2.1, 1.22)
"""Weights of difference, gap and roughness where both runs are annealed: either may be the short rehearsal of a longer training (fit half)."""
AGAINST = 0.7
"""No more is believed of an annealed run that stands higher than the other (our choice; the higher one ended better in .69 of such answers of the fit half)."""
GAIN, GAIN_SPREAD = 0.1, 0.3
"""What annealing still gains of a rate at its peak, as a share of the drop, and how much that differs (our choice between the fit half, .00 and .17, and the
author's own networks, which gain .1 to .3: the command above, with `--curves`). A smaller spread is sure too early of networks that gain much."""
SEEDS = 0.01
"""Standard deviation of where a complete training ends, as a share of the drop: another seed (our choice; fit half .006)."""
_LOGISTIC = 1.7
_TRAIN_ONLY = 0.5
"""Log odds from training losses alone count by half (our choice: the lower one may be the one that memorises)."""
_NOTHING = 1e-9
_FEW = 8
"""Of so few values the noise is so badly known that twice the fall is asked for (our choice)."""


class Basis(StrEnum):
    """On what a comparison rests."""

    NOTHING_COMMON = "nothing_common"
    TOO_FEW = "too_few"
    NO_FALL = "no_fall"
    DIFFERENT_KINDS = "different_kinds"
    BOTH_LOST = "both_lost"
    ONE_LOST = "one_lost"
    COMPLETE = "complete"
    REHEARSAL = "rehearsal"
    CUT = "cut"

    @property
    def is_read(self) -> bool:
        """Whether the levels of both runs are compared."""
        return self in (Basis.COMPLETE, Basis.REHEARSAL, Basis.CUT)


@dataclass(frozen=True, kw_only=True)
class PairReading:
    """What two standings say together.

    Attributes:
        probability: That the first ends better.
        basis: On what that rests.
    """

    probability: float
    basis: Basis


def read_pair(one: Standing, other: Standing) -> PairReading:
    """Which of two ends better. Turning the two around turns the probability around.

    A run whose rate has come down counts by its level, its gap and how steadily it came there, since a longer training of the same settings may overfit or
    fall off the brink (METHOD, trap 7). A run that was cut before counts by the level that it may reach once annealed, with a doubt that grows with its
    rate, since a loss at a high rate does not rank (METHOD, trap 6).

    Example:
        >>> from dataclasses import replace
        >>> low = Standing(n=30, measure=Measure.VALIDATION_LOSS, level=0.4, drop=1.6, heat=0.2)
        >>> high = replace(low, level=0.8, drop=1.2)
        >>> round(read_pair(low, high).probability, 2)
        0.95
        >>> round(read_pair(low, replace(high, heat=1.0)).probability, 2)  # not enough: a high rate hides much
        0.71
    """
    basis = _basis(one, other)
    if basis is Basis.ONE_LOST:
        return PairReading(probability=1 - SURVIVOR if one.is_lost else SURVIVOR, basis=basis)
    if not basis.is_read:
        return PairReading(probability=COIN_TOSS, basis=basis)
    logit = _rehearsal_logit(one, other) if basis is Basis.REHEARSAL else _cut_logit(one, other)
    if one.measure is Measure.TRAINING_LOSS:
        logit *= _TRAIN_ONLY
    return PairReading(probability=_probability(logit, most=MOST), basis=basis)


def _basis(one: Standing, other: Standing) -> Basis:
    if one.measure is not other.measure or one.measure is Measure.NOTHING:
        return Basis.NOTHING_COMMON
    if one.is_lost or other.is_lost:
        return Basis.BOTH_LOST if one.is_lost and other.is_lost else Basis.ONE_LOST
    return _hindrance(one, other) or _phase(one, other)


def _hindrance(one: Standing, other: Standing) -> Basis | None:
    """Why the levels of two sound runs are not compared."""
    if min(one.n, other.n) < FEWEST:
        return Basis.TOO_FEW
    if not (_has_fallen(one) or _has_fallen(other)):
        return Basis.NO_FALL
    is_far = one.first > DIFFERENT_FIRST * other.first or other.first > DIFFERENT_FIRST * one.first  # NaN compares false
    return Basis.DIFFERENT_KINDS if is_far else None


def _phase(one: Standing, other: Standing) -> Basis:
    if one.is_complete and other.is_complete:
        return Basis.COMPLETE
    return Basis.REHEARSAL if one.is_annealed and other.is_annealed else Basis.CUT


def _has_fallen(run: Standing) -> bool:
    by_chance = math.sqrt(2 * math.log(run.n))  # of n values the best lies about so many standard deviations low
    return run.drop > max((1 + by_chance) * (1 + _FEW / run.n) * run.noise, _NOTHING * abs(run.level))


def rehearsal_features(one: Standing, other: Standing, *, memory: float = MEMORY) -> tuple[float, float, float]:
    """Difference, gap and roughness of two annealed runs; above 0 where they speak for the first."""
    drop = max(one.drop, other.drop)
    memorises = max(0.0, -one.gap, -other.gap) / drop
    gap = (max(0.0, other.gap) - max(0.0, one.gap)) / drop
    return _difference(one, other) / (1 + memory * memorises), math.asinh(gap / _NEAR_GAP), _rough(other, drop) - _rough(one, drop)


def cut_score(one: Standing, other: Standing, *, gain: float = GAIN, spread: float = GAIN_SPREAD, seeds: float = SEEDS) -> float:
    """How many standard deviations lower the first is expected to end, once both have annealed; what is yet to be gained is as doubtful as it is large."""
    drop = max(one.drop, other.drop)
    ahead = (other.level - one.level) / drop + gain * (one.heat - other.heat)
    return ahead / math.hypot(seeds, spread * one.heat, spread * other.heat, one.level_noise / drop, other.level_noise / drop)


def _rehearsal_logit(one: Standing, other: Standing) -> float:
    features = rehearsal_features(one, other)
    logit = sum(weight * feature for weight, feature in zip(REHEARSAL, features, strict=True))
    most = _log_odds(AGAINST)
    return min(most, max(-most, logit)) if logit * features[0] < 0 else logit


def _cut_logit(one: Standing, other: Standing) -> float:
    return _LOGISTIC * math.asinh(cut_score(one, other))  # its tails are heavier than a normal law's


def _difference(one: Standing, other: Standing) -> float:
    """How much lower the first stands, as a share of the larger drop, compressed: noise compresses earlier."""
    drop = max(one.drop, other.drop)
    return math.asinh((other.level - one.level) / drop / math.hypot(NEAR, _NOISES * math.hypot(one.level_noise, other.level_noise) / drop))


def _rough(run: Standing, drop: float) -> float:
    return math.log1p(_ROUGH * min(_MOST_ROUGH, run.roughness / drop))


def _probability(logit: float, *, most: float) -> float:
    return 1 / (1 + math.exp(-min(_log_odds(most), max(-_log_odds(most), logit))))


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
