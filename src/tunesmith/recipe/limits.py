"""What the user fixed or bounded, and what that leaves to tune."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

from tunesmith.errors import InputError

TUNED = ("lr", "batch_size", "momentum", "weight_decay")
FIXABLE = (*TUNED, "epochs")
PAIR = 2


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Fixed values and bounds of the knobs.

    Attributes:
        fixed: Knob → value.
        bounds: Knob → (low, high).

    Raises:
        InputError: An unknown knob, a value that is no number, one both fixed and bounded, or bounds in the wrong order.

    Example:
        >>> limits = Limits(fixed={"batch_size": 64}, bounds={"weight_decay": (0.0, 1e-3)})
        >>> limits.clip("weight_decay", 0.01), limits.is_free("batch_size")
        (0.001, False)
    """

    fixed: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]

    def __post_init__(self) -> None:
        for name, value in self.fixed.items():
            if name not in FIXABLE:
                raise InputError(f"fixed must name one of {', '.join(FIXABLE)}, got {name!r}.")
            if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
                raise InputError(f"fixed {name} must be a finite number, got {value!r}. Fix another.")
        for name, bound in self.bounds.items():
            if not isinstance(bound, (tuple, list)) or len(bound) != PAIR or not all(isinstance(end, Real) for end in bound):
                raise InputError(f"bounds of {name} must be (low, high), two numbers, got {bound!r}.")
            low, high = bound
            if name not in TUNED:
                raise InputError(f"bounds must name one of {', '.join(TUNED)}, got {name!r}.")
            if name in self.fixed:
                raise InputError(f"A knob must be either fixed or bounded, and {name} is both. Drop one of them.")
            if not low <= high:
                raise InputError(f"bounds must be (low, high) with low ≤ high, got {(low, high)} for {name}.")

    def is_free(self, name: str) -> bool:
        """Whether the knob is not fixed."""
        return name not in self.fixed

    def leaves_any(self, names: tuple[str, ...]) -> bool:
        """Whether any of these knobs is to be tuned."""
        return any(self.is_free(name) for name in names)

    def interval(self, name: str) -> tuple[float, float]:
        """Smallest and largest value that the knob may take."""
        if name in self.fixed:
            return self.fixed[name], self.fixed[name]
        return self.bounds.get(name, (-math.inf, math.inf))

    def clip(self, name: str, value: float) -> float:
        """The value that the user fixed, else `value` moved into its bounds; round before, or rounding leads out of them again."""
        low, high = self.interval(name)
        return min(max(value, low), high)

    def within(self, name: str, values: tuple[float, ...]) -> tuple[float, ...]:
        """Those of the values inside the bounds, in order; the nearest bound where none is."""
        low, high = self.interval(name)
        inside = tuple(value for value in values if low <= value <= high)
        return inside or (self.clip(name, values[0]),)

    def fixed_batch_size(self) -> int | None:
        """The batch size, if it is fixed."""
        return int(self.fixed["batch_size"]) if "batch_size" in self.fixed else None
