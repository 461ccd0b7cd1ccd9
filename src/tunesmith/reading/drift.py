"""Compares range tests of two lengths over the same learning rates: how far edge and suggestion move with the length (METHOD, trap 2)."""

from tunesmith.finding import Finding
from tunesmith.reading.range_findings import place_text
from tunesmith.reading.range_test import RangeReading

STEADY = 1.5
"""A suggestion that moves by less than this factor does not depend on the length for any use (our choice: short runs cannot tell such rates apart)."""


def compare_lengths(one: RangeReading, other: RangeReading, *, steps: tuple[int, int]) -> Finding:
    """How far the suggestion moves from the shorter to the longer of two sweeps.

    Args:
        one: Reading of a sweep.
        other: Reading of a sweep of another length over the same learning rates.
        steps: Updates of the two, in their order.

    Returns:
        A finding "drift": `value` is the longer sweep's suggestion over the shorter's, None where either suggests nothing; `interval` is what the two
        edges leave open, None where either has none.

    Example:
        >>> import numpy as np
        >>> from tunesmith.reading.range_test import read_range_test
        >>> def swept(n):
        ...     lr = np.linspace(0.01, 1, n)
        ...     return read_range_test(lr, np.where(lr < 0.6, 2 - np.minimum(lr, 0.3) * 5, 9.0 * lr / 0.6))
        >>> drift = compare_lengths(swept(100), swept(400), steps=(100, 400))
        >>> drift.kind, 0.8 < drift.value < 1.25
        ('drift', True)
    """
    shorter, longer = (one, other) if steps[0] <= steps[1] else (other, one)
    steps = min(steps), max(steps)
    lengths = f"Sweeps of {steps[0]} and {steps[1]} updates over the same learning rates"
    if shorter.suggested_lr is None or longer.suggested_lr is None:
        return Finding(
            kind="drift", confidence=0.6, evidence=f"{lengths}: the shorter ends with '{shorter.outcome}', the longer with '{longer.outcome}'.",
            not_established="How far the suggestion moves with the length.", action="Follow the advice for the length that suggests nothing.",
        )  # fmt: skip
    ratio = longer.suggested_lr / shorter.suggested_lr
    interval, edges = None, "no edge in one of them"
    if shorter.edge is not None and longer.edge is not None:
        interval = longer.edge[0] / shorter.edge[1], longer.edge[1] / shorter.edge[0]
        edges = f"the edge lies {place_text(shorter.edge)} in the shorter and {place_text(longer.edge)} in the longer"
    is_steady = 1 / STEADY < ratio < STEADY
    return Finding(
        kind="drift", value=ratio, interval=interval, confidence=0.7,
        evidence=f"{lengths}: {edges}; the suggestion goes from {shorter.suggested_lr:.2g} to {longer.suggested_lr:.2g}.",
        not_established="Where it would go in sweeps as long as a training." if is_steady else "Which of the two suits a full training.",
        action="" if is_steady else f"Believe the longer sweep; compare {shorter.suggested_lr:.2g} and {longer.suggested_lr:.2g} in short annealed runs.",
    )  # fmt: skip
