"""The few colours of every figure: each is told from the others by colour-blind readers and read on white and on near-black paper alike."""

VALIDATION = "#2f7fc1"
"""The line that decides: blue, contrast above 3 on both papers."""
TRAINING = "#8a8f98"
"""What is there for comparison: grey."""
WARNING = "#d3622a"
"""Divergence, edges and clues: vermilion, which stays apart from the blue under every common colour blindness."""

_DISTINCT = (VALIDATION, WARNING, "#2f9470", "#9a5fb5", "#a8842a", TRAINING)
_RAMP = ((47, 111, 191), (96, 122, 168), (140, 130, 140), (184, 129, 96), (217, 127, 38))


def ramp(count: int) -> tuple[str, ...]:
    """`count` colours from blue (small values) through grey to orange (large ones), all of middling lightness.

    Example:
        >>> ramp(2)
        ('#2f6fbf', '#d97f26')
        >>> len(ramp(7)), ramp(1) == (VALIDATION,)
        (7, True)
    """
    if count == 1:
        return (VALIDATION,)
    return tuple(_mixed(index * (len(_RAMP) - 1) / (count - 1)) for index in range(count))


def distinct(count: int) -> tuple[str, ...]:
    """`count` colours for things without an order; beyond six they come again.

    Example:
        >>> distinct(2)
        ('#2f7fc1', '#d3622a')
        >>> len(distinct(8))
        8
    """
    return tuple(_DISTINCT[index % len(_DISTINCT)] for index in range(count))


def _mixed(position: float) -> str:
    left = min(int(position), len(_RAMP) - 2)
    share = position - left
    red, green, blue = (round(low + share * (high - low)) for low, high in zip(_RAMP[left], _RAMP[left + 1], strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"
