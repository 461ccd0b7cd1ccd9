"""What runs cost: the one place that counts."""

from dataclasses import dataclass

FORWARD_SHARE = 1 / 3
"""Price of a forward pass alone, where forward and backward together cost 1 (docs/counting.md)."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Examples that went through a network, and the seconds it took.

    Attributes:
        trained_examples: Examples forward and backward.
        evaluated_examples: Examples forward only: validation, BatchNorm statistics, memory probes.
        seconds: Wall-clock seconds; reported, never decided on.

    Example:
        >>> (Cost(trained_examples=900, evaluated_examples=300)).full_trainings(full_training_examples=1000)
        1.0
    """

    trained_examples: int = 0
    evaluated_examples: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            trained_examples=self.trained_examples + other.trained_examples,
            evaluated_examples=self.evaluated_examples + other.evaluated_examples,
            seconds=self.seconds + other.seconds,
        )

    def full_trainings(self, *, full_training_examples: float) -> float:
        """The cost in full trainings of `epochs * n_train` examples."""
        return (self.trained_examples + FORWARD_SHARE * self.evaluated_examples) / full_training_examples


def total_steps_for(*, epochs: float, n_train: int, batch_size: int) -> int:
    """Updates that `epochs` passes over `n_train` examples make at `batch_size`: `max(1, round(epochs * n_train / batch_size))`.

    Example:
        >>> total_steps_for(epochs=30, n_train=1257, batch_size=64)
        589
    """
    return max(1, round(epochs * n_train / batch_size))
