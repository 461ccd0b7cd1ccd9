"""Clues of a loss that was lost, jumped or swings."""

import numpy as np

from tunesmith.curve import RunOutcome
from tunesmith.finding import Finding
from tunesmith.reading.clues.clue import UNDECIDED, clue, ratio_of, sureness
from tunesmith.reading.clues.line import FEWEST_POINTS, Line
from tunesmith.reading.clues.movement import Jump, begins_at, largest_jump, rise_times, stays_above, turning_points
from tunesmith.reading.clues.story import Story
from tunesmith.thresholds import Thresholds

_SETTLED = 0.12
"""Share of a run before which what jumps and goes again is a start and no clue (our choice)."""
_ERRORS = 6.0
"""Standard errors of a smoothed point that a jump or swing must exceed (our choice)."""
_LOST, _LOST_IN_VALIDATION, _LEAST_JUMP = 0.85, 0.7, 0.3
"""Shares of the gain: that an end has lost again which is lost for good, in training and in validation, and that one jump took at least (our choice)."""
_LITTLE_GAIN, _LITTLE_DROP = 0.05, 0.2
"""Shares of the start: a gain below the one is too little to be lost, a jump is measured in at least the other (our choice)."""
_EXPLODED, _CAME_DOWN = 2.0, 0.1
"""A loss that rises above its start by so many times its start has exploded, and come down where it ends this share of it below the start (our choice)."""
_STAYED, _BACK = 0.5, 0.1
"""A jump stayed where its end keeps this share of the height; it came back where the end is within this share of the drop of where it began (our choice)."""
_MENDED = 0.75
"""Confidence in an instability that mended itself, at most: what counts is where a run ends (our choice)."""
_FLIGHTS, _FALLEN, _TRAINED = 3, 0.25, 0.5
"""Evaluations that fly above the start, out of the lower three quarters of the gain, while the training loss fell to half of its start (our choice)."""
_TURNS, _SWING, _SLOWEST_JUMP, _LOPSIDED = 4, 0.05, 0.08, 3.0
"""Turning points of an oscillation, the share of the gain that each moves, the share of a period below which a rise is a jump, and how many times longer the
ways up may take than those down, or the other way round (our choice)."""
_RESTART, _AS_BEFORE = 1.5, 1.05  # a warm restart raises the rate by this factor, to no more than this times what it had been (our choice)


def diverged(story: Story, thresholds: Thresholds) -> Finding | None:
    """Not finite, or back where it began, or higher."""
    del thresholds
    return _not_finite(story) or (None if story.is_short or not story.is_loss else _above_the_start(story) or _lost(story))


def unstable(story: Story, thresholds: Thresholds) -> Finding | None:
    """Both losses jumped, or the validation loss flies about while the training loss falls."""
    if not story.is_loss or story.is_short:
        return None
    return _exploded_first(story) or _jumped(story, thresholds) or _wild(story)


def oscillating(story: Story, thresholds: Thresholds) -> Finding | None:
    """The loss swings, up as slowly as down."""
    del thresholds
    line = story.train or story.main
    if not story.is_loss or story.is_short or story.scale <= 0 or _lr_swings(story):
        return None
    swing = _SWING if story.train is not None else 2 * _SWING
    turns = turning_points(line.smoothed, size=max(swing * story.scale, _ERRORS * line.error))
    if len(turns) < _TURNS:
        return None
    times, is_up = np.diff(line.step[turns]), np.diff(line.smoothed[turns]) > 0
    up, down, period = float(times[is_up].mean()), float(times[~is_up].mean()), 2 * float(times.mean())
    if float(np.median(line.smoothed)) > story.start:  # it was lost first
        return None
    if max(up / down, down / up) > _LOPSIDED or float(np.median(rise_times(line, turns))) < _SLOWEST_JUMP * period:
        return None
    height = float(np.abs(np.diff(line.smoothed[turns])).max())
    return clue(
        "oscillating", since=line.step[turns[0]], value=period, confidence=sureness(1.5 * len(turns) / _TURNS, most=0.9 if story.train is not None else 0.6),
        evidence=f"The loss turned {len(turns)} times, by up to {height:.3g} each time, about every {period:,.3g} {story.unit}s.",
        not_established="Whether momentum or the learning rate is to blame.",
    )  # fmt: skip


def _not_finite(story: Story) -> Finding | None:
    lost = [line.lost_at for line in (story.train, story.valid) if line is not None and line.lost_at is not None]
    if lost or story.outcome == RunOutcome.NOT_FINITE:
        step = min(lost, default=story.last_step)
        return clue(
            "diverged", since=step, confidence=0.99, evidence=f"The loss is not finite from {story.unit} {step:,.0f} on.",
            not_established="Whether the learning rate, the weight decay or the data is to blame: NaN in the data does the same.",
        )  # fmt: skip
    if story.outcome == RunOutcome.DIVERGED:
        line = story.train or story.main
        return clue(
            "diverged", since=line.step[line.best_at], confidence=0.99,
            evidence=f"The loss rose far above where it began, and the run was stopped at {story.unit} {story.last_step:,.0f}.",
            not_established="Whether the learning rate or the weight decay is to blame.",
        )  # fmt: skip
    return None


def _above_the_start(story: Story) -> Finding | None:
    line, start = story.train or story.main, story.start
    size = max(abs(start), start - line.best)
    top = float(line.smoothed.max())
    if top - start <= _EXPLODED * size + _ERRORS * line.error or line.final <= start - _CAME_DOWN * size or not _may_be_lost(story):
        return None
    return clue(
        "diverged", since=line.step[stays_above(line, start + size)], value=top, confidence=0.9 if story.train is not None else 0.6,
        evidence=f"The loss began at {start:.3g}, went up to {top:.3g} and ended at {line.final:.3g}.", not_established="That another seed does the same.",
    )  # fmt: skip


def _lost(story: Story) -> Finding | None:
    line, start = story.train or story.main, story.start
    drop = start - line.best
    if drop <= max(_ERRORS * line.error, story.share_of_start(_LITTLE_GAIN)) or not _may_be_lost(story):
        return None
    if story.train is not None and story.valid is not None and _lost_share(story.valid, start) <= _LOST_IN_VALIDATION:
        return None
    if _lost_share(line, start) < _LOST or largest_jump(line, after=_SETTLED).height < _LEAST_JUMP * drop:
        return None
    since = line.step[stays_above(line, line.best + 0.25 * drop, after=line.best_at)]
    return clue(
        "diverged", since=since, value=line.final, confidence=0.9 if story.train is not None else 0.6,
        evidence=f"The loss fell from {start:.3g} to {line.best:.3g}, was lost near {story.unit} {since:,.0f} and ended at {line.final:.3g}.",
        not_established="That another seed does the same.",
    )  # fmt: skip


def _lost_share(line: Line, start: float) -> float:
    """Share of what was gained that the end has lost again."""
    return (line.final - line.best) / (start - line.best) if start > line.best else 0.0


def _may_be_lost(story: Story) -> bool:
    """Whether a rise may be divergence: of the validation loss alone not where it is slow, or the metric keeps half of its gain, as in overfitting."""
    if story.train is not None:
        return True
    line, metric = story.main, story.metric
    if largest_jump(line, after=0.0).height < _STAYED * float(np.ptp(line.smoothed)):
        return False
    if metric is None or metric.n < FEWEST_POINTS:
        return True
    return metric.final - metric.best > _STAYED * max(metric.start - metric.best, 0.0)


def _exploded_first(story: Story) -> Finding | None:
    line = story.train or story.main
    top = float(line.smoothed.max())
    if top - story.start <= _EXPLODED * abs(story.start) + _ERRORS * line.error or not _may_be_lost(story):
        return None
    return clue(
        "unstable", since=line.step[stays_above(line, 2 * abs(story.start))], value=top - story.start, confidence=0.75 if story.train is not None else 0.55,
        evidence=f"The loss began at {story.start:.3g} and went up to {top:.3g} before it came down to {line.final:.3g}.",
        not_established="That another seed does the same.",
    )  # fmt: skip


def _jumped(story: Story, thresholds: Thresholds) -> Finding | None:
    line = story.train or story.main
    jump, drop = largest_jump(line, after=_SETTLED), max(story.start - line.best, story.share_of_start(_LITTLE_DROP))
    ratio = ratio_of((jump.height, thresholds.unstable_rise * drop), (jump.height, _ERRORS * line.error))
    begin, end = float(line.step[jump.base]), float(line.step[jump.top])
    if ratio < 1 or _is_restart(story, begin, end):
        return None
    which, most = _who_jumped(story, jump, drop=drop, thresholds=thresholds)
    since = float(line.step[begins_at(line, jump)])
    is_back = line.final <= line.smoothed[jump.base] + _BACK * drop
    most = min(most, _MENDED) if is_back else most
    how = "came back" if is_back else f"did not come all the way back: it ends at {line.final:.3g}"
    return clue(
        "unstable", since=since, value=jump.height, confidence=sureness(ratio, most=most),
        evidence=f"The {which} loss jumped by {jump.height:.3g} near {story.unit} {since:,.0f}, and {how}.",
        not_established="That another seed does the same.",
    )  # fmt: skip


def _who_jumped(story: Story, jump: Jump, *, drop: float, thresholds: Thresholds) -> tuple[str, float]:
    """Which losses jumped, in words, and how sure of instability that lets one be at most."""
    line, valid = story.train or story.main, story.valid
    if story.train is None:
        return "validation", 0.6 if jump.height > _STAYED * float(np.ptp(line.smoothed)) else UNDECIDED
    if valid is None:
        return "training", 0.6
    begin, end = line.step[jump.base], line.step[jump.top]
    before, inside = valid.step <= begin, (valid.step > begin) & (valid.step <= end + 0.05 * line.span)
    rise = float(valid.smoothed[inside].max()) - valid.at(begin) if inside.any() else 0.0
    if rise >= thresholds.unstable_rise / 2 * max(story.start - valid.best, 0.0):
        return "training and validation", 0.95
    stayed = line.final - line.smoothed[jump.base] >= _STAYED * jump.height
    is_worse = valid.final > _BACK * drop + float(valid.smoothed[before].min(initial=story.start))
    return ("training and validation", 0.95) if stayed and is_worse else ("training", UNDECIDED)


def _wild(story: Story) -> Finding | None:
    line, train = story.valid, story.train
    if line is None or train is None or not story.zero_is_floor or train.best > _TRAINED * story.start or train.final > _TRAINED * story.start:
        return None
    low = story.start - _FALLEN * (story.start - float(np.nanmin(line.raw)))
    state = np.where(line.raw > story.start, 1, np.where(line.raw < low, -1, 0))
    known = np.flatnonzero(state)
    flights = known[1:][(state[known[1:]] == 1) & (state[known[:-1]] == -1)]
    flights = flights[line.step[flights] > line.step_at(_SETTLED)]
    if flights.size < _FLIGHTS:
        return None
    return clue(
        "unstable", since=line.step[flights[0]], value=float(np.nanmax(line.raw[flights])), confidence=sureness(1.3 * flights.size / _FLIGHTS, most=0.9),
        evidence=f"The validation loss flew {flights.size} times from below {low:.3g} to above its start, {story.start:.3g}, "
                 f"while the training loss fell to {train.final:.3g}.",
        not_established="Whether the weights or the running statistics of normalisation are to blame.",
    )  # fmt: skip


def _is_restart(story: Story, begin: float, end: float) -> bool:
    """Whether the learning rate itself went up there, to no more than it had been before: a warm restart."""
    if story.lr_is_constant:
        return False
    margin = 0.02 * story.last_step
    before, inside = story.lr.value[story.lr.step < begin - margin], (story.lr.step >= begin - margin) & (story.lr.step <= end + margin)
    if not before.size or not inside.any():
        return False
    rates = story.lr.value[inside]
    went_up = rates.max() > _RESTART * rates.min() and np.argmax(rates) > np.argmin(rates)
    return bool(went_up and rates.max() <= _AS_BEFORE * before.max())


def _lr_swings(story: Story) -> bool:
    """Whether the learning rate itself swings: then the loss only follows."""
    return not story.lr_is_constant and len(turning_points(story.lr.value, size=0.3 * float(np.ptp(story.lr.value)))) >= _TURNS - 1
