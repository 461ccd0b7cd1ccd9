"""Rows as a Markdown table for people."""

from collections.abc import Iterable, Mapping

from benchmarks.speed.row import Row

MEASURED = "<!-- measured -->"
"""Where the documentation begins to quote."""
HEAD = "| what | median | quartiles | n | unit | |\n|---|---|---|---|---|---|"


def number(value: float) -> str:
    """Three digits that count.

    Example:
        >>> number(0.012345), number(1234.5), number(0.0), number(1.05)
        ('0.0123', '1,234', '0', '1.05')
    """
    thousand = 1000
    return f"{value:,.0f}" if abs(value) >= thousand else f"{value:.3g}"


def head(facts: Mapping[str, object]) -> str:
    """The title and the machine."""
    versions = facts["versions"]
    shown = ", ".join(f"{name} {version}" for name, version in versions.items() if version) if isinstance(versions, Mapping) else versions
    return "# Speed\n\n" + "\n".join(f"- {name}: {fact}" for name, fact in {**facts, "versions": shown}.items()) + f"\n\n{MEASURED}"


def section(name: str, text: str, rows: Iterable[Row]) -> str:
    """One measurement: what it is, and its rows."""
    return f"\n## {name}\n\n{text.strip()}\n\n{HEAD}\n" + "\n".join(_line(row) for row in rows)


def _line(row: Row) -> str:
    found = row.quartiles
    if found is None:
        return f"| {row.subject} | | | 0 | {row.unit} | {row.note} |"
    low, median, high = map(number, found)
    spread = f"{low} to {high}" if len(row.samples) > 1 else ""
    return f"| {row.subject} | {median} | {spread} | {len(row.samples)} | {row.unit} | {row.note} |"
