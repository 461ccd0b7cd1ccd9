"""The numbers behind the figures of the ladder: what each joint choice ended with over the length, and over the peak on the lowest rung. Draws nothing."""

import math
from dataclasses import dataclass

from tunesmith.plots.facts import Interval, Line
from tunesmith.plots.goal_axis import GoalAxis, goal_axis
from tunesmith.plots.palette import ramp
from tunesmith.reading.joint_choices import JointChoice
from tunesmith.reading.ladder import TREND_WORDS, LadderReading, LadderScore

SHAPES = 4
"""Shapes of points that figures tell apart; more momenta than that share the last (our choice)."""
_WIDE_RATIO, _LOG_MARGIN = 3.0, 0.06
"""Losses that span this factor are drawn on a logarithmic axis, with this share of it left free at either end (our choice)."""
_SAME_PEAK = 1.12
"""Peaks nearer than this factor share a colour: rounding makes some of them differ (our choice)."""


@dataclass(frozen=True, kw_only=True)
class LadderPoint:
    """One joint choice at one length.

    Attributes:
        score: What was read of it.
        results: What each seed ended with, as the goal counts it; None where it did not finish, or ended above the loss of an untrained network.
        mean: Their mean; None where one of them is None.
        has_won: Whether it is the best of its length.
    """

    score: LadderScore
    results: tuple[float | None, ...]
    mean: float | None
    has_won: bool


@dataclass(frozen=True, kw_only=True)
class LadderLine:
    """One joint choice through the rungs.

    Attributes:
        choice: The choice.
        points: By length.
        color: Of its peak, from blue (small) to orange (large).
        shape: Number of its momentum among those tried, 0 for the most frequent, at most `SHAPES` - 1.
        is_filled: Whether its decay is the smallest of those tried.
        is_best: Whether it holds the best result of all.
    """

    choice: JointChoice
    points: tuple[LadderPoint, ...]
    color: str
    shape: int
    is_filled: bool
    is_best: bool

    @property
    def mean_line(self) -> Line:
        """The means over the lengths at which every seed finished."""
        finished = [(float(point.score.steps), point.mean) for point in self.points if point.mean is not None]
        return Line(x=tuple(steps for steps, _ in finished), y=tuple(mean for _, mean in finished))


@dataclass(frozen=True, kw_only=True)
class LadderFacts:
    """The goal over the length of the runs, and over the peak on the lowest rung.

    Attributes:
        goal: "loss", or the metric that decides.
        lines: One a choice, in the order in which they were first run, the best last: it lies on top.
        winners: (length, mean) of the best choice of each rung.
        trends: (shorter length, longer length, "better", "level" or "worse") between rungs.
        best: The best result of all; None where no run finished.
        lengths: Updates of each rung.
        length_range: What to draw.
        result_range: The same.
        is_log: Whether the results are to be drawn on a logarithmic axis.
        failed_at: Where a run that did not finish stands: at the worse end.
        n_seeds: Most seeds of a choice.
        n_failed: Runs that stand there.
    """

    goal: str
    lines: tuple[LadderLine, ...]
    winners: Line
    trends: tuple[tuple[int, int, str], ...]
    best: LadderPoint | None
    lengths: tuple[int, ...]
    length_range: Interval
    result_range: Interval
    is_log: bool
    failed_at: float
    n_seeds: int
    n_failed: int

    @property
    def peak_lines(self) -> tuple[tuple[LadderLine, ...], ...]:
        """The lowest rung: choices of one momentum, decay and condition, by peak."""
        lines: dict[tuple[float, float, str], list[LadderLine]] = {}
        for line in sorted((line for line in self.lines if line.points[0].score.steps == self.lengths[0]), key=lambda line: line.choice.lr):
            lines.setdefault((line.choice.momentum, line.choice.decay, line.choice.condition), []).append(line)
        return tuple(tuple(line) for line in lines.values())

    @property
    def peak_range(self) -> Interval:
        """Peaks of the lowest rung, with room at either end."""
        peaks = [line.choice.lr for lines in self.peak_lines for line in lines]
        pad = max(1.25, (max(peaks) / min(peaks)) ** 0.08)
        return (min(peaks) / pad, max(peaks) * pad)


def ladder_facts(reading: LadderReading, *, goal: str = "loss", higher_is_better: bool = False) -> LadderFacts:
    """What figures of the ladder show.

    Args:
        reading: What was read; its losses are scores, of which the smaller is the better.
        goal: What decided: "loss" or a metric's name.
        higher_is_better: Its direction.
    """
    top = reading.start if reading.start is not None and reading.best is not None and reading.best.loss < reading.start else math.inf
    scores = [score for rung in reading.rungs for score in rung.scores]
    shown = [loss for score in scores for loss in score.losses.values() if loss <= top and math.isfinite(loss)]
    axis = goal_axis(shown, goal=goal, higher_is_better=higher_is_better)
    is_log = bool(shown) and goal == "loss" and min(shown) > 0 and max(shown) > _WIDE_RATIO * min(shown)
    bounds = _log_bounds(min(shown), max(shown)) if is_log else axis.bounds
    winning = [rung.winner for rung in reading.rungs]
    points = [_point(score, axis, top=top, is_winner=score in winning) for score in scores]
    best = next((point for point in points if point.score == reading.best), None)
    lengths = tuple(rung.steps for rung in reading.rungs)
    winners = [(float(point.score.steps), point.mean) for point in points if point.has_won and point.mean is not None]
    return LadderFacts(
        goal=goal,
        lines=_lines(reading, points, best),
        winners=Line(x=tuple(steps for steps, _ in winners), y=tuple(mean for _, mean in winners)),
        trends=tuple((below.steps, rung.steps, TREND_WORDS[rung.trend]) for below, rung in zip(reading.rungs, reading.rungs[1:], strict=False) if rung.trend),
        best=best,
        lengths=lengths,
        length_range=(lengths[0] / 1.25, lengths[-1] * 1.25),
        result_range=bounds,
        is_log=is_log,
        failed_at=bounds[1] if axis.sign > 0 else bounds[0],
        n_seeds=max(len(point.results) for point in points),
        n_failed=sum(result is None for point in points for result in point.results),
    )


def _log_bounds(low: float, high: float) -> Interval:
    margin = (high / low) ** _LOG_MARGIN
    return (low / margin, high * margin)


def _point(score: LadderScore, axis: GoalAxis, *, top: float, is_winner: bool) -> LadderPoint:
    results = tuple(axis.result(loss) if loss <= top else None for loss in score.losses.values())
    mean = None if None in results else axis.result(score.loss)
    return LadderPoint(score=score, results=results, mean=mean, has_won=is_winner and mean is not None)


def _lines(reading: LadderReading, points: list[LadderPoint], best: LadderPoint | None) -> tuple[LadderLine, ...]:
    colors = _peak_colors([choice.lr for choice in reading.choices])
    momenta = [choice.momentum for choice in reading.choices]
    shapes = {momentum: min(rank, SHAPES - 1) for rank, momentum in enumerate(sorted(set(momenta), key=lambda one: (-momenta.count(one), one)))}
    least = min(choice.decay for choice in reading.choices)
    lines = [
        LadderLine(
            choice=choice, points=tuple(point for point in points if point.score.choice == choice), color=colors[choice.lr], shape=shapes[choice.momentum],
            is_filled=choice.decay == least, is_best=best is not None and choice == best.score.choice,
        )
        for choice in reading.choices
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: line.is_best))


def _peak_colors(peaks: list[float]) -> dict[float, str]:
    """Peak → colour, along the ramp."""
    ranks: dict[float, int] = {}
    first = 0.0
    for peak in sorted(set(peaks)):
        if peak > _SAME_PEAK * first:
            first = peak
            ranks[peak] = max(ranks.values(), default=-1) + 1
        else:
            ranks[peak] = max(ranks.values())
    colors = ramp(max(ranks.values()) + 1)
    return {peak: colors[rank] for peak, rank in ranks.items()}
