"""Runs in this process, one after another."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tunesmith.curve import Run
from tunesmith.engine import run_spec
from tunesmith.settings import RunSpec
from tunesmith.task import Task

Execute: TypeAlias = Callable[[Task, Sequence[RunSpec]], list[Run]]
"""Makes the runs that were ordered, in that order."""


def execute_here(task: Task, specs: Sequence[RunSpec]) -> list[Run]:
    """Make the runs in this process, on the CPU, one after another."""
    return [Run(spec=spec, curve=run_spec(task, spec).curve) for spec in specs]
