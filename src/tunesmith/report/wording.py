"""Words that text and HTML share: names of probes and knobs, confidence, and strings from a study made safe to show."""

from collections.abc import Sequence

PROBES = {
    "bracket": "Bracket",
    "lr_range": "Range test",
    "lr_range_under": "Range tests under conditions",
    "capacity": "Capacity",
    "batch_size": "Batch size",
    "peak_lr": "Peak learning rate",
    "min_lr": "Starting learning rate",
    "momentum": "Momentum",
    "momentum_cycle": "Cyclical momentum",
    "weight_decay": "Weight decay",
    "ladder": "Ladder of lengths",
    "confirm": "Plan, confirmed",
    "current": "Current settings",
    "current_quarter": "A quarter of a training with the current settings",
}
FINDINGS = PROBES | {
    "max_lr": "Peak learning rate",
    "total_decay": "Total decay",
    "against_current": "Against the current settings",
    "lr_exponent": "The learning rate goes like the batch size to the power",
    "throughput": "Throughput is near its best from batch size",
    "loader_bound": "Bound by loading data; throughput is near its best from batch size",
}
OF_BATCH_SIZE = frozenset({"batch_size", "noise_scale", "lr_exponent", "throughput", "loader_bound"})
"""Kinds of findings that tell of the batch size, whichever experiment holds them."""
LIKELY, CONFIDENT = 0.5, 0.8
_UNREADABLE = "\ufffd"


def plain(text: str) -> str:
    r"""`text` in one line, its control characters, half characters and direction marks replaced: a study may come from a stranger.

    Example:
        >>> plain("two\nlines"), plain("red \x1b[31m") == "red \ufffd[31m"
        ('two lines', True)
    """
    return "".join(character if character.isprintable() else _UNREADABLE for character in " ".join(text.split()))


def probe_title(probe: str) -> str:
    """A probe's name for people.

    Example:
        >>> probe_title("lr_range"), probe_title("width_scan")
        ('Range test', 'Width scan')
    """
    return PROBES.get(probe) or plain(probe.replace("_", " ")).capitalize() or "Unnamed"


def finding_title(kind: str) -> str:
    """A finding's kind for people.

    Example:
        >>> finding_title("max_lr"), finding_title("early_overfitting_hump")
        ('Peak learning rate', 'Early overfitting hump')
    """
    return FINDINGS.get(kind) or probe_title(kind)


def confidence_word(confidence: float) -> str:
    """A confidence in a word.

    Example:
        >>> [confidence_word(value) for value in (0.9, 0.6, 0.2)]
        ['confident', 'likely', 'tentative']
    """
    return "confident" if confidence >= CONFIDENT else "likely" if confidence >= LIKELY else "tentative"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Example:
        >>> counted(1, "fresh seed"), counted(3, "run")
        ('1 fresh seed', '3 runs')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(items: Sequence[str]) -> str:
    """Items as a list in a sentence.

    Example:
        >>> listed(["a", "b", "c"]), listed(["a"])
        ('a, b and c', 'a')
    """
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def ended(sentence: str) -> str:
    """A sentence with its full stop.

    Example:
        >>> ended("Stay below 0.5"), ended("Why?"), ended("")
        ('Stay below 0.5.', 'Why?', '')
    """
    sentence = plain(sentence)
    return sentence if not sentence or sentence[-1] in ".!?…:" else sentence + "."
