"""How a line moves: its largest jump, its turning points, its largest hump."""

import dataclasses
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tunesmith.reading.clues.line import Floats, Line

_JUMP_SHARE, _FEWEST = 0.08, 2
"""A rise within this share of the points, or so many of them, is a jump; a slower one is a drift (our choice)."""
_STILL_AT_BASE = 0.1  # share of a jump below which it has not begun (our choice)


@dataclass(frozen=True, kw_only=True)
class Jump:
    """The largest fast rise of a line.

    Attributes:
        base, top: Indices between which it rises.
        height: How far.
    """

    base: int
    top: int
    height: float


def largest_jump(line: Line, *, after: float) -> Jump:
    """The largest fast rise that ends after that share of the run; of height 0 where there is none."""
    reach = max(_FEWEST, round(_JUMP_SHARE * line.n))
    found = Jump(base=0, top=0, height=0.0)
    for top in range(1, line.n):
        if line.share(top) <= after:
            continue
        begin = max(0, top - reach)
        base = begin + int(np.argmin(line.smoothed[begin : top + 1]))
        height = float(line.smoothed[top] - line.smoothed[base])
        if height > found.height:
            found = Jump(base=base, top=top, height=height)
    low = line.smoothed[found.base : found.top + 1] <= line.smoothed[found.base] + _STILL_AT_BASE * found.height
    return dataclasses.replace(found, base=found.base + int(np.flatnonzero(low)[-1]))


def turning_points(values: Floats, *, size: float) -> list[int]:
    """Indices of the extremes between which the values move by at least `size`, one way and the other in turn; without both ends.

    Example:
        >>> turning_points(np.array([0.0, 2.0, 1.9, 2.0, 0.0, 3.0]), size=1.0)
        [1, 4]
    """
    turns: list[int] = []
    low = high = way = 0
    for index, value in enumerate(values):
        low = index if value < values[low] else low
        high = index if value > values[high] else high
        if way >= 0 and values[high] - value >= size:
            turns += [high] if high else []
            way, low, high = -1, index, index
        elif way <= 0 and value - values[low] >= size:
            turns += [low] if low else []
            way, low, high = 1, index, index
    return turns


def rise_times(line: Line, turns: list[int]) -> list[float]:
    """Steps that each rise between turning points takes from a quarter to three quarters of its height, on the raw line."""
    found: list[float] = []
    for low, high in pairwise(turns):
        if line.smoothed[high] <= line.smoothed[low]:
            continue
        part = slice(low, high + 1)
        values = np.where(np.isnan(line.raw[part]), line.smoothed[part], line.raw[part])
        bottom, top = float(values[: max(1, values.size // 2)].min()), float(values.max())
        above = int(np.argmax(values >= bottom + 0.75 * (top - bottom)))
        below = np.flatnonzero(values[: above + 1] <= bottom + 0.25 * (top - bottom))
        if below.size:
            found.append(float(line.step[low + above] - line.step[low + below[-1]]))
    return found or [0.0]


def largest_hump(line: Line) -> tuple[int, int]:
    """Indices of the base and the top of the largest rise that is taken back later; twice 0 where there is none."""
    later = np.minimum.accumulate(line.smoothed[::-1])[::-1]
    base, height, found = 0, 0.0, (0, 0)
    for top in range(line.n):
        base = top if line.smoothed[top] < line.smoothed[base] else base
        size = float(min(line.smoothed[top] - line.smoothed[base], line.smoothed[top] - later[top]))
        if size > height:
            height, found = size, (base, top)
    return found


def stays_above(line: Line, level: float, *, after: int = 0) -> int:
    """Index, of those after one, from which on the line lies above the level for more than half of the time; that of its maximum where there is none."""
    above = line.smoothed > level
    above[:after] = False
    return next((int(index) for index in np.flatnonzero(above) if above[index:].mean() > 1 / 2), int(np.argmax(line.smoothed)))


def begins_at(line: Line, jump: Jump) -> int:
    """Index of the first raw point that has half of the jump behind it: smoothing spreads a jump over what came before."""
    level = line.smoothed[jump.base] + jump.height / 2
    return jump.base + int(np.argmax(np.nan_to_num(line.raw[jump.base : jump.top + 1], nan=np.inf) > level))
