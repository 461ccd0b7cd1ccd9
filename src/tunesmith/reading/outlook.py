"""A stand-in until the comparison is there."""

from collections.abc import Sequence

from tunesmith.diagnosis import Outlook, OutlookOutcome
from tunesmith.log import TrainingLog


def foresee(logs: Sequence[TrainingLog], *, goal: str = "loss", higher_is_better: bool = False) -> Outlook:  # noqa: ARG001 (the final signature)
    """Which of several curves will end better."""
    return Outlook(
        outcome=OutlookOutcome.CANNOT_TELL,
        best=None,
        probability=1 / max(1, len(logs)),
        pairs=(),
        evidence=f"{len(logs)} curves were given.",
        not_established="Which of them will end better.",
        action="Train both further, or anneal both to zero.",
    )
