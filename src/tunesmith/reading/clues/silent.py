"""Clues of losses that say little: too noisy, or never fallen."""

import math

from tunesmith.finding import Finding
from tunesmith.reading.clues.clue import DECIDES, clue, ratio_of, sureness
from tunesmith.reading.clues.line import Line
from tunesmith.reading.clues.story import Story
from tunesmith.thresholds import Thresholds

_FEWEST = 3
_TRAINED = 0.5
"""Share of its start that a training loss has gained, from which on what the validation loss gained counts too, however noisy it is (our choice)."""
_SEEN_DROP = 3.0
_ROUNDING = 1e-6
_MANY_NOISES = 8.0
"""A drop of so many standard deviations of the noise is none that never started, however small beside the start: the loss has an offset (our choice)."""
_HIDDEN = 0.08
"""Where noise could hide a drop of this share of the start, "never started" is not sure (our choice)."""


def too_noisy(story: Story, thresholds: Thresholds) -> Finding | None:
    """The validation loss moves from one evaluation to the next by as much as the training ever gained."""
    line, train = story.main, story.train
    if line.n < _FEWEST:
        return clue(
            "too_noisy", confidence=DECIDES, evidence=f"The log has {line.n} point{'s' if line.n > 1 else ''} of the loss: no shape can be seen.",
            not_established="Anything about under- or overfitting.", action="Record the losses at least five times in a run.",
        )  # fmt: skip
    if story.valid is None or story.is_short:
        return None
    gained = 0.0 if train is None else train.drop
    if train is not None and train.is_positive and gained > _TRAINED * train.start:
        gained = max(gained, line.drop)
    seen = line.start - line.best if line.start - line.best > _SEEN_DROP * line.noise else 0.0
    ratio = ratio_of((line.noise, thresholds.noisy_share * max(gained, seen)))
    has_moved = train is not None and train.start - train.final > thresholds.flat_drop * _drop_error(train)
    if ratio < 1 or (train is not None and train.drop <= 0) or not (has_moved or _hides_a_drop([line], story, thresholds)):
        return None
    return clue(
        "too_noisy", value=line.noise, confidence=sureness(ratio, most=0.9),
        evidence=f"One evaluation is off by about {line.noise:.2g}; the whole training gained {max(gained, seen):.2g}.",
        not_established="Anything about under- or overfitting.",
    )  # fmt: skip


def never_started(story: Story, thresholds: Thresholds) -> Finding | None:
    """Neither loss fell by more than noise, or both by next to nothing."""
    if story.n_points < _FEWEST or (not story.is_loss and story.main.final > story.main.start + story.main.error):
        return None
    lines = [line for line in (story.train, story.valid) if line is not None]
    drops = [(story.start if line is story.train else line.start) - float(line.smoothed.min()) for line in lines]
    is_seen = any(drop > max(thresholds.flat_drop * _drop_error(line), _ROUNDING * abs(line.start)) for drop, line in zip(drops, lines, strict=True))
    largest = max(0.0, *drops)
    is_tiny = largest < story.share_of_start(thresholds.started_drop) and largest < _MANY_NOISES * max(line.noise for line in lines)
    if is_seen and not is_tiny:
        return None
    hides = _hides_a_drop(lines, story, thresholds)
    confidence = 0.55 if story.is_short else 0.6 if is_seen or hides else 0.9
    return clue(
        "never_started", since=0, value=largest, confidence=confidence,
        evidence=f"The {story.name} began at {story.shown(story.start):.3g} and got better by {largest:.2g} at most.",
        not_established="Whether another learning rate would train this network.",
    )  # fmt: skip


def _drop_error(line: Line) -> float:
    """Standard error of the drop: of a start that is the median of three, and of a smoothed point."""
    return line.noise / math.sqrt(2) + line.error


def _hides_a_drop(lines: list[Line], story: Story, thresholds: Thresholds) -> bool:
    """Whether the noise of all lines could hide a drop that matters."""
    return thresholds.flat_drop * min(map(_drop_error, lines)) > story.share_of_start(_HIDDEN)
