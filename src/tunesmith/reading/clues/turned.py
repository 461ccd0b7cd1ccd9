"""Clues of a validation loss that turned up, of a training loss that did, and of one at nothing."""

import numpy as np

from tunesmith.finding import Finding
from tunesmith.reading.clues.clue import clue, ratio_of, sureness
from tunesmith.reading.clues.line import Line
from tunesmith.reading.clues.movement import largest_hump, largest_jump
from tunesmith.reading.clues.story import Story
from tunesmith.thresholds import Thresholds

_ERRORS = 3.5
"""Standard errors of a smoothed point that a rise must exceed (our choice)."""
_ERRORS_BESIDE_FALL, _ERRORS_BESIDE_LEVEL, _WELL_TRAINED = 3.0, 4.5, 0.5
"""The same of a validation loss while the training loss falls, and while it is level, by then below this share of its start (our choice)."""
_FELL_ON, _FELL_IN_HUMP = 0.1, 0.3
"""Share of itself by which the training loss fell on, after the best validation loss and in a hump (our choice)."""
_LEAST_OF_GAIN = 0.3
"""A rise is measured in the best loss where that is less than the gain, but in at least this share of the gain (our choice)."""
_TRAIN_SHARE, _LITTLE = 0.25, 0.05
"""A rise of the validation loss is measured in what it gained, or in these shares of what the training loss gained and of the start (our choice)."""
_SLOW, _FEWEST = 0.03, 2
"""A hump takes at least this share of a run to rise, and so many points: less is a spike (our choice)."""
_TAKEN_BACK, _BEFORE_HUMP = 0.95, 0.3
"""Share of a hump that is taken back; share of the whole gain that a hump is measured in at least (our choice)."""
AT_NOTHING = 0.02
"""Share of its start below which a training loss is at nothing (our choice)."""
_STILL_HIGH = 0.3
"""Share of its peak from which on a learning rate still ought to hold the weights back (our choice)."""
_BETTER, _NEAR_BEST = 0.1, 0.1
"""Shares of all that a metric gained: how much better it got, and how near its best it ends, where it disagrees with the loss (our choice)."""
_DECAY_RISES, _EARLY = 1.5, 0.12  # of `overfit_rise`, since both losses rise; the share of a run in which jumps are a start (our choice)
_FIRST_HALF = 0.5  # by then a decay that is too large has turned the loss (our choice)


def overfitting(story: Story, thresholds: Thresholds) -> Finding | None:
    """The validation loss ends above its best while the training loss fell on."""
    line, train, scale = story.valid, story.train, yardstick(story)
    if line is None or scale <= 0 or line.best_at == line.n - 1:
        return None
    rise, begin = line.final - line.best, float(line.step[line.best_at])
    matters = thresholds.overfit_rise * (min(scale, max(line.best, _LEAST_OF_GAIN * scale)) if story.zero_is_floor else scale)
    ratio = ratio_of((rise, matters), (rise, _ERRORS_BESIDE_FALL * line.error))
    falls = fell_on(story, begin, line.step[-1], share=_FELL_ON)
    if ratio < 1 or not (falls or (rise > _ERRORS_BESIDE_LEVEL * line.error and _is_level_below(story, begin))):
        return None
    most, fell = 0.65, "the log has no training loss to show that it fell on."
    if train is not None and story.is_loss:
        most = 0.95 if falls else 0.75
        fell = f"the training loss went on from {story.shown_train(train.at(begin)):.3g} to {story.shown_train(train.final):.3g}."
        if story.train_unit == 1.0:
            fell += f" The gap grew from {line.best - train.at(begin):.3g} to {line.final - train.final:.3g}."
    return clue(
        "overfitting", since=begin, value=rise, confidence=sureness(ratio, most=min(most, 0.6) if story.is_short else most),
        evidence=f"The validation {story.name} was best at {story.unit} {begin:,.0f} and got worse by {rise:.3g} until the end; {fell}",
        not_established="Which of a larger learning rate, more weight decay or a shorter training mends it best.",
    )  # fmt: skip


def metrics_disagree(story: Story, thresholds: Thresholds) -> Finding | None:
    """The validation loss got worse, the metric better."""
    line, metric, scale = story.valid, story.metric, yardstick(story)
    if line is None or metric is None or not story.is_loss or story.is_short or scale <= 0:
        return None
    rise, begin = line.final - line.best, float(line.step[line.best_at])
    gain, whole = metric.at(begin) - metric.final, metric.start - metric.best
    ratio = ratio_of((gain, _BETTER * whole), (gain, _ERRORS * metric.error))
    is_risen = rise >= max(thresholds.overfit_rise * scale, _ERRORS * line.error)
    if not is_risen or ratio < 1 or metric.final > metric.best + max(_NEAR_BEST * whole, metric.error):
        return None
    return clue(
        "metrics_disagree", since=begin, value=gain, confidence=sureness(ratio, most=0.75),
        evidence=f"From {story.unit} {begin:,.0f} to the end the validation loss got worse by {rise:.3g} and {story.metric_name} better by {gain:.3g}.",
        not_established="Which of the two counts: only you can say, and it should be fixed before a training.",
    )  # fmt: skip


def early_overfitting_hump(story: Story, thresholds: Thresholds) -> Finding | None:
    """The validation loss rose slowly while the training loss fell, and came down to where it had been or lower."""
    train, line, scale = story.train, story.valid, yardstick(story)
    if train is None or line is None or story.is_short or scale <= 0 or not story.is_loss:
        return None
    base, top = largest_hump(line)
    begin, end, later = float(line.step[base]), float(line.step[top]), float(line.smoothed[top:].min())
    rise, fall = float(line.smoothed[top] - line.smoothed[base]), float(line.smoothed[top]) - later
    before = max(story.start - float(line.smoothed[base]), _BEFORE_HUMP * scale)  # what it had gained by then
    ratio = ratio_of((rise, thresholds.hump_rise * before), (rise, 2 * _ERRORS * line.error))
    is_slow = line.share(top) - line.share(base) >= _SLOW and top - base >= _FEWEST
    if ratio < 1 or not is_slow or fall < _TAKEN_BACK * rise or not fell_on(story, begin, end, share=_FELL_IN_HUMP):
        return None
    is_lower = line.smoothed[base] - later > thresholds.hump_rise / 2 * scale
    return clue(
        "early_overfitting_hump", since=begin, value=rise, confidence=sureness(ratio, most=0.9 if is_lower else 0.7),
        evidence=f"The validation loss rose by {rise:.3g} from {story.unit} {begin:,.0f} to {end:,.0f} while the training loss fell from "
                 f"{train.at(begin):.3g} to {train.at(end):.3g}, and came down again to {later:.3g}.",
        not_established="That the learning rate, and not the time, brought it down.",
    )  # fmt: skip


def weight_decay_low(story: Story, thresholds: Thresholds) -> Finding | None:
    """The training loss is at nothing, and the validation loss is far from it."""
    train, line = story.train, story.valid
    if train is None or line is None or story.is_short or not story.zero_is_floor or train.final > story.share_of_start(AT_NOTHING):
        return None
    since, gap = float(train.step[int((train.smoothed <= AT_NOTHING * story.start).argmax())]), line.final - train.final
    is_high = not story.lr_is_constant and story.lr_at(since) >= _STILL_HIGH * float(story.lr.value.max())
    ratio = ratio_of((gap, story.share_of_start(thresholds.large_gap / 2 if is_high else thresholds.large_gap)))
    still_falls = line.at(since) - line.final > yardstick(story) / 10 and story.annealed is not True
    if ratio < 1 or still_falls:
        return None
    rate = f", when the learning rate was at {story.lr_at(since) / float(story.lr.value.max()):.0%} of its peak" if is_high else ""
    return clue(
        "weight_decay_low", since=since, value=gap, confidence=sureness(ratio, most=0.75 if gap > story.share_of_start(thresholds.large_gap) else 0.55),
        evidence=f"The training loss began at {story.start:.3g} and is at next to nothing since {story.unit} {since:,.0f}{rate}; "
                 f"the validation loss ends at {line.final:.3g}.",
        not_established="That decay is what is missing: a larger learning rate, dropout, augmentation or more data act on the same gap.",
    )  # fmt: skip


def weight_decay_high(story: Story, thresholds: Thresholds) -> Finding | None:
    """The training loss itself turned up slowly, in the first half, and the validation loss with it."""
    train = story.train
    if train is None or story.is_short or not story.is_loss or train.share(train.best_at) > _FIRST_HALF:
        return None
    drop, rise = story.start - train.best, train.final - train.best
    if largest_jump(train, after=_EARLY).height > rise / 2 + 2 * _ERRORS * train.error:  # at once, not slowly
        return None
    if drop <= max(_ERRORS * train.error, story.share_of_start(thresholds.started_drop / 5)):
        return None
    ratio = ratio_of((rise, _DECAY_RISES * thresholds.overfit_rise * drop), (rise, _ERRORS * train.error))
    if ratio < 1 or not _rose_too(story.valid, train, drop=drop, thresholds=thresholds):
        return None
    since = float(train.step[train.best_at])
    return clue(
        "weight_decay_high", since=since, value=rise, confidence=sureness(ratio, most=0.7),
        evidence=f"The training loss was best at {story.unit} {since:,.0f} and rose slowly by {rise:.3g}, the validation loss with it.",
        not_established="That it is the decay: a learning rate that is too large does the same.",
    )  # fmt: skip


def _rose_too(valid: Line | None, train: Line, *, drop: float, thresholds: Thresholds) -> bool:
    """Whether the validation loss ends above its best as the training loss does, and not far above that."""
    if valid is None:
        return True
    return valid.final - valid.best > thresholds.overfit_rise / 2 * drop and valid.final - train.final <= thresholds.large_gap * drop


def fell_on(story: Story, begin: float, end: float, *, share: float) -> bool:
    """Whether the training loss fell between two steps by more than noise, and by a share of itself where zero is its floor; yes where there is none."""
    train = story.train
    if train is None or not story.is_loss:
        return True
    before, after = train.at(begin), train.at(min(end, float(train.step[-1])))
    return before - after > max(share * abs(before) if story.zero_is_floor else 0.0, 2 * train.error)


def _is_level_below(story: Story, begin: float) -> bool:
    """Whether the training loss, well below its start, does not rise from a step on."""
    train = story.train
    return train is not None and train.at(begin) < story.share_of_start(_WELL_TRAINED) and train.final < train.at(begin) + train.error


def yardstick(story: Story) -> float:
    """What a rise of the validation loss is measured in."""
    line, train = story.valid, story.train
    if line is None:
        return 0.0
    if not story.is_loss:
        return max(line.drop, float(np.ptp(line.smoothed)))
    return max(_gain(line, story.start), 0.0 if train is None else _TRAIN_SHARE * train.drop, 0.0 if story.has_gained else story.share_of_start(_LITTLE))


def _gain(line: Line, start: float) -> float:
    return max(start, line.start) - line.best
