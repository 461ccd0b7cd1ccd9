"""How numbers and machines are written, in the tables and on the page alike."""

from collections.abc import Mapping
from typing import Any

_HUNDRED = 100


def number(value: float | None, *, digits: int = 2) -> str:
    """A number, or what stands for one that was not reached.

    Example:
        >>> number(0.12345), number(None), number(1234.5)
        ('0.12', '∞', '1234')
    """
    if value is None:
        return "∞"
    return f"{value:.0f}" if abs(value) >= _HUNDRED else f"{value:.{digits}f}"


def costs_text(costs: Mapping[str, Any]) -> str:
    """Search, what comes after it, and all together, in full trainings.

    Example:
        >>> costs_text({"search": 0.94, "final": 2.25, "total": 3.2})
        '0.94, 2.25, 3.20'
    """
    return ", ".join(number(costs[name]) for name in ("search", "final", "total"))


def described(machine: Mapping[str, Any]) -> str:
    """A machine, its versions and its day in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    processor = f"{machine['processor']}, {machine['cores']} cores, one thread a training"
    return f"{machine['date']}: commit {machine['commit']}, {processor}, Python {machine['python']}, {versions}"
