"""Where and with what something was measured: the facts without which a number of seconds, or a bit, says nothing."""

import datetime as dt
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("tunesmith", "torch", "numpy", "optuna", "torch-lr-finder", "lightning", "fastai", "prodigyopt", "schedulefree")

_CHANGING = ("commit", "date")


def describe_machine() -> dict[str, object]:
    """The facts, as JSON."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "--", "src", "benchmarks/*.py") else ""),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def merged(machines: list[dict[str, object]]) -> list[dict[str, object]]:
    """Machines that differ in commit or date alone as one, with all commits and dates.

    Example:
        >>> merged([{"cores": 2, "commit": "a", "date": "1"}, {"cores": 2, "commit": "b", "date": "1"}])
        [{'cores': 2, 'commit': 'a, b', 'date': '1'}]
    """
    groups: dict[str, list[dict[str, object]]] = {}
    for machine in machines:
        groups.setdefault(str([(name, fact) for name, fact in machine.items() if name not in _CHANGING]), []).append(machine)
    return [group[0] | {name: ", ".join(dict.fromkeys(str(machine[name]) for machine in group)) for name in _CHANGING} for group in groups.values()]


def _git(*arguments: str) -> str:
    found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607 (our own words; git as the user has it)
    return found.stdout.strip() if found.returncode == 0 else "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
