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


def overall_line(line: Mapping[str, Any], *, n_tasks: int, failed: str, worst: str = "") -> list[str]:
    """A method over all tasks: its name, on how many tasks it ran, percentile, regret, failures, cost.

    Args:
        line: One of the document's `overall`.
        n_tasks: Tasks of the bench.
        failed: The share of failures, as it is written there.
        worst: Follows the percentile of the worst task.
    """
    low, high = line["percentiles"]
    return [
        line["method"] if line["snapshot"] is None else f"{line['method']}, total ≤ {line['snapshot']:g}",
        f"{line['n_tasks']} of {n_tasks}",
        f"{number(line['percentile'], digits=0)} [{number(low, digits=0)}, {number(high, digits=0)}{worst}]",
        number(line["regret"], digits=1),
        failed,
        costs_text(line) if line["snapshot"] is None else f"≤ {line['snapshot']:g}",
    ]
