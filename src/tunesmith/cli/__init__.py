"""The command line: it only speaks. It parses what was typed, calls the recipe or the report, and prints; results go to stdout, everything else to stderr.

Exit codes:
    0    recommended, keep_current, no_difference; a range test with a suggestion; anything read or written as asked
    1    abstained, budget_spent; a range test without a suggestion
    2    usage or bad input: one clear sentence, no traceback
    3    the task's own code failed: its traceback
    70   a bug of ours (EX_SOFTWARE of sysexits.h, so that no script takes it for an answer): a sentence, with -v the traceback
    130  interrupted by SIGINT or SIGTERM: with the command that goes on

`main` is all there is to import. Nothing heavy is loaded before a command needs it: `--help`, `show`, `report DIR`, `export DIR` and
`diagnose CURVE` load neither torch, pydantic nor matplotlib.
"""

from typing import TYPE_CHECKING

from tunesmith.cli.interrupts import catching_interrupts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunesmith.cli.backend import Backend

__all__ = ["main"]


def main(args: "Sequence[str] | None" = None, *, backend: "Backend | None" = None) -> int:
    """Runs one command and gives its exit code; never raises.

    Args:
        args: What was typed after `tunesmith`. None means this process's own arguments.
        backend: What does the work that the commands ask for. None means tunesmith itself; tests pass their own.
    """
    with catching_interrupts(restores=args is not None) as interrupts:
        try:
            from tunesmith.cli.commands import run  # noqa: PLC0415 (from here on an interrupt is caught)

            return run(args, backend=backend)
        except BaseException as error:  # noqa: BLE001 (the last place that can turn it into a sentence)
            interrupts.ignore_more()
            from tunesmith.cli.failures import report_failure  # noqa: PLC0415

            return report_failure(KeyboardInterrupt() if interrupts.happened else error, args=args)
