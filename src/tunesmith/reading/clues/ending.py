"""Clues of how a run came down and where it ended: too slowly, too high, not yet, long ago, or right."""

import numpy as np

from tunesmith.finding import Finding
from tunesmith.reading.clues.advice import action_of
from tunesmith.reading.clues.clue import DECIDES, UNDECIDED, clue, ratio_of, sureness
from tunesmith.reading.clues.line import Line
from tunesmith.reading.clues.story import Story
from tunesmith.reading.clues.turned import AT_NOTHING
from tunesmith.thresholds import Thresholds

_HALF_WAY, _FEWEST_BEFORE, _LITTLE_LEFT = 0.5, 4, 0.05
"""Where the way is halved, how many points must lie before that, and the share of the start below which nothing is left to fall (our choice)."""
_TRAIN_ABOVE, _ERRORS, _FEW_POINTS_PENALTY = 0.08, 3.0, 10
"""Share of the gain by which a training loss ends above the validation loss where training is hindered; standard errors, more of few points (our choice)."""
_LAST, _FALLING_ERRORS = 0.2, 4.0
"""The last share of a run in which a loss that falls must gain more than so many standard errors (our choice)."""
_LONG_BEFORE, _LONG_BEFORE_IN_VAIN = 0.4, 0.9
"""Shares of a run before which it was level: for any run, and for one whose learning rate was dropped afterwards without gain (our choice)."""
_SAME_RATE, _DROPPED_RATE = 0.01, 1.5  # a learning rate stands still within this share of itself, and is dropped by this factor (our choice)
_FEWEST = 3
_LEVEL_SHARE = 0.05
"""Share of a loss that a level one may be off its end (our choice)."""
_FITTED, _LITTLE_ENOUGH, _SMALL_GAP = 0.2, 0.25, 0.15
"""Shares of the start: a training loss up to which nothing speaks against balance, and what a confident one has at most, with a gap (our choice)."""
_SHAKY = 0.1
"""Share of the gain by which a balanced loss may end above its best, and by which its last points may differ (our choice)."""
_PLENTY_LEFT, _MUCH_LEFT, _NO_GAP = 0.05, 0.3, 0.02
"""Shares of the start: from this training loss on, without this gap, the network may be too small; from the other on one cannot tell (our choice)."""


def ends_high(story: Story, thresholds: Thresholds) -> Finding | None:
    """Both losses end high and together."""
    line = story.train or story.main
    if story.is_short or not story.zero_is_floor or story.start <= 0 or story.annealed is False:
        return None
    left, gap = line.final / story.start, gap_of(story)
    if left < thresholds.high_left or gap > max(thresholds.large_gap * story.scale, 0.0):
        return None
    confidence = min(0.75, DECIDES + left - thresholds.high_left) if story.start_is_known else UNDECIDED
    return clue(
        "underfitting", since=0, value=line.final, confidence=confidence,
        evidence=f"The loss fell from {story.start:.3g} to {line.final:.3g} only, and the gap between training and validation is {gap:.2g}.",
        not_established="Whether the network is too small, held back by regularisation, or the data has no more to give.",
        action=action_of("underfitting", first="lr" if _late_gain(story) >= thresholds.steady_share else ""),
    )  # fmt: skip


def underfitting(story: Story, thresholds: Thresholds) -> Finding | None:
    """Much of the gain came late although the learning rate came down, or training was hindered."""
    if story.is_short or not story.is_loss:
        return None
    return _steady(story, thresholds) or _hindered(story)


def _steady(story: Story, thresholds: Thresholds) -> Finding | None:
    late = _late_gain(story)
    if story.annealed is not True or late < thresholds.steady_share or (story.zero_is_floor and story.main.final < _LITTLE_LEFT * story.start):
        return None
    return clue(
        "underfitting", since=0, value=late, confidence=sureness(late / thresholds.steady_share, most=0.75),
        evidence=f"{late:.0%} of the gain came in the second half of the way (of the summed learning rate): the loss fell steadily to the end.",
        not_established="Whether a larger learning rate, a longer training or a larger network is what it wants.",
        action=action_of("underfitting", first="lr"),
    )  # fmt: skip


def _late_gain(story: Story) -> float:
    """Share of the gain, of the loss where it is less, that came in the second half of the way; 0 where too few points lie in the first half to tell."""
    if not story.start_is_known or np.count_nonzero(story.progress(story.main) < _HALF_WAY) < _FEWEST_BEFORE:
        return 0.0
    return min(late_share(story, line, after=_HALF_WAY) for line in (story.train, story.valid) if line is not None)


def _hindered(story: Story) -> Finding | None:
    train, valid = story.train, story.valid
    if train is None or valid is None or story.scale <= 0:
        return None
    above = train.final - valid.final
    if story.zero_is_floor and valid.final < _MUCH_LEFT * story.start:
        return None  # the validation loss is low: the two are only measured differently
    ratio = ratio_of((above, _TRAIN_ABOVE * story.scale), (above, _ERRORS * (train.error + valid.error) * (1 + _FEW_POINTS_PENALTY / valid.n)))
    if ratio < 1:
        return None
    return clue(
        "underfitting", since=0, value=above, confidence=sureness(ratio, most=0.7),
        evidence=f"The training loss ends at {train.final:.3g}, above the validation loss at {valid.final:.3g}: training is made harder than it need be.",
        not_established="That dropout or augmentation holds it back: a training loss measured differently, with a penalty or smoothed labels, looks the same.",
        action=action_of("underfitting", first="dropout"),
    )  # fmt: skip


def unfinished(story: Story, thresholds: Thresholds) -> Finding | None:
    """The schedule was cut, or the loss still falls where no annealing is known."""
    line = story.main
    total, gained = story.start - line.final, line.at(line.step_at(1 - _LAST)) - line.final
    if line.n < _FEWEST or total <= 0 or story.annealed is True:
        return None
    ratio = ratio_of((gained, thresholds.unfinished_slope * total), (gained, _FALLING_ERRORS * line.error))
    falling = f"The last fifth still gained {gained:.3g}, {gained / total:.0%} of all." if ratio >= 1 else ""
    if story.annealed is False:
        confidence, evidence = 0.85 if falling else 0.6, f"The run ends before its schedule does: {_where_cut(story)}. {falling}{_gap_trend(story)}".strip()
    elif falling:
        confidence, evidence = sureness(ratio, most=0.6 if story.is_short else 0.9), falling + _gap_trend(story)
    else:
        return None
    return clue(
        "unfinished", since=line.step[-1], value=gained, confidence=UNDECIDED if story.valid is None else confidence, evidence=evidence,
        not_established="How it will end." if story.valid is not None else "How it will end, and whether it overfits: the log has no validation loss.",
    )  # fmt: skip


def _where_cut(story: Story) -> str:
    if len(story.lr) and not story.lr_is_constant:
        return f"the learning rate is at {story.lr.value[-1] / float(story.lr.value.max()):.0%} of its peak"
    return f"{story.log.total_steps:,} steps were planned"


def _gap_trend(story: Story) -> str:
    """A sentence where the gap between the losses grew, from the first quarter on, by more than noise and a twentieth of the gain."""
    train, valid = story.train, story.valid
    if train is None or valid is None or not story.is_loss:
        return ""
    early = valid.step_at(1 / 4)
    then, now = valid.at(early) - train.at(early), valid.final - train.final
    grew = now - then > max(story.scale / 20, _ERRORS * (valid.error + train.error))
    return f" The gap grows, from {then:.3g} at the first quarter to {now:.3g}: whether it will overfit cannot be told yet." if grew else ""


def plateaued(story: Story, thresholds: Thresholds) -> Finding | None:
    """Level long before the end."""
    line, train = story.main, story.train
    if story.is_short or story.scale <= 0:
        return None
    is_nothing = train is not None and story.zero_is_floor and train.final < AT_NOTHING * story.start
    if is_nothing and gap_of(story) > thresholds.large_gap * story.start:
        return None  # the gap matters more: `weight_decay_low`
    since = level_since(line, rise=_level_rise(story, thresholds))
    step, share = float(line.step[since]), line.share(since)
    limit = _LONG_BEFORE_IN_VAIN if _dropped_in_vain(story, since=step) else _LONG_BEFORE
    if share > limit:
        return None
    confidence = DECIDES + 0.4 * min(1.0, (limit - share) / 0.3)
    return clue(
        "plateaued", since=step, value=step, confidence=UNDECIDED if story.valid is None else confidence,
        evidence=f"The {story.name} is level from {story.unit} {step:,.0f} of {line.step[-1]:,.0f} on: the last {1 - share:.0%} of the run took it from "
                 f"{story.shown(line.at(step)):.3g} to {story.shown(line.final):.3g}.",
        not_established="Whether a larger learning rate or network would go on from there.",
        action=f"Train {1 - share:.0%} shorter, with the same shape of schedule; or, to get further, with a larger learning rate or network.",
    )  # fmt: skip


def balanced(story: Story, thresholds: Thresholds) -> Finding:
    """Nothing to mend: what is left when no clue speaks."""
    line = story.main
    since = float(line.step[level_since(line, rise=_level_rise(story, thresholds))])
    return clue(
        "balanced", since=since, value=line.final, confidence=_balance(story),
        evidence=f"The {story.name} came from {story.shown(story.start):.3g} to {story.shown(line.final):.3g}, is level from about {story.unit} "
                 f"{since:,.0f} on{_and_above(story, thresholds)}.",
        not_established="That no other settings do better." if story.valid is not None else "Whether it overfits: the log has no validation loss.",
    )  # fmt: skip


def _and_above(story: Story, thresholds: Thresholds) -> str:
    line = story.main
    rise = line.final - line.best
    how = "above" if story.is_loss else "short of"
    return f", {rise:.3g} {how} its best" if rise > thresholds.level_rise * (story.start - line.best) else ", and did not turn up"


def _balance(story: Story) -> float:
    confidence = 0.6
    if story.annealed is True:
        confidence = 0.75
    if story.zero_is_floor and story.start > 0:
        left, gap = (story.train or story.main).final / story.start, gap_of(story) / story.start
        fits = left < _PLENTY_LEFT or gap >= _NO_GAP
        if story.annealed is True and left < _LITTLE_ENOUGH and gap < _SMALL_GAP and fits:
            confidence = 0.85
        confidence -= max(0.0, left - _FITTED)
        if left > _MUCH_LEFT and gap < _NO_GAP:
            confidence = min(confidence, UNDECIDED)
    if story.train is None or story.is_short:
        confidence = min(confidence, 0.55)
    if story.main.final - story.main.best > _SHAKY * max(story.start - story.main.best, 0.0) + _ERRORS * story.main.error:
        confidence = min(confidence, UNDECIDED)  # it did turn up, by no clue that is known
    if story.main.tail_noise > _SHAKY * max(story.start - story.main.best, 0.0):
        confidence = min(confidence, UNDECIDED)
    if story.valid is None:
        confidence = min(confidence, UNDECIDED)
    return max(0.3, confidence)


def gap_of(story: Story) -> float:
    """The validation loss above the training loss at the end; 0 where one of them is not there."""
    return 0.0 if story.train is None or story.valid is None or not story.is_loss else story.valid.final - story.train.final


def _level_rise(story: Story, thresholds: Thresholds) -> float:
    """How far a level loss may be from its end: a share of the gain, but no large share of the loss itself, which may have begun very high."""
    line = story.main
    rise = thresholds.level_rise * max(story.start - line.best, 0.0)
    return min(rise, _LEVEL_SHARE * abs(line.final)) if story.zero_is_floor else rise


def late_share(story: Story, line: Line, *, after: float) -> float:
    """Share of the gain that came after that share of the way."""
    total = story.start - line.final
    return float((np.interp(after, story.progress(line), line.smoothed) - line.final) / total) if total > 0 else 0.0


def level_since(line: Line, *, rise: float) -> int:
    """Index from which on the line stays within that much, or two standard errors, of its end."""
    outside = np.flatnonzero(np.abs(line.smoothed - line.final) > max(rise, 2 * line.tail_error))
    return int(min(outside[-1] + 1, line.n - 1)) if outside.size else 0


def _dropped_in_vain(story: Story, *, since: float) -> bool:
    """Whether the learning rate, after it had stood still, was dropped while the loss was level already."""
    rates, steps = story.lr.value, story.lr.step
    if story.lr_is_constant or rates.size <= _FEWEST:
        return False
    is_same = np.abs(np.diff(rates)) < _SAME_RATE * rates[:-1]
    dropped = (rates[2:-1] > _DROPPED_RATE * rates[3:]) & (rates[3:] > 0)
    return bool((is_same[:-2] & is_same[1:-1] & dropped & (steps[3:] > since)).any())
