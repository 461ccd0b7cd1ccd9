"""All commands together, and how one of them is run."""

import os
import sys
from collections.abc import Sequence

import click
from click.shell_completion import shell_complete

import tunesmith
from tunesmith.cli.backend import Backend
from tunesmith.cli.diagnosing import diagnose
from tunesmith.cli.drawing import schedule
from tunesmith.cli.failures import BAD_INPUT
from tunesmith.cli.knobs import batch_size, momentum, weight_decay
from tunesmith.cli.output import write_text
from tunesmith.cli.probing import capacity, lr_range, min_lr
from tunesmith.cli.rescaling import rescale
from tunesmith.cli.studies import export, report, show
from tunesmith.cli.tuning import demo, train, tune

COMPLETION = "_TUNESMITH_COMPLETE"
"""Environment variable by which a shell asks for completions, as click names it."""


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click's callback)
    if value:
        write_text(f"tunesmith {tunesmith.__version__}")
        context.exit()


@click.group(
    no_args_is_help=False,  # that is `run`'s business: to stderr, and without a traceback in any version of click
    epilog="\b\nExample:\n  tunesmith demo\n  tunesmith tune train.py:task --out runs/mine\n\n\b\nExit codes:\n"
    "  0    an answer: recommended, keep_current, no_difference\n  1    none: abstained, budget_spent\n  2    usage or bad input\n"
    "  3    the task's own code failed\n  70   a bug of ours\n  130  interrupted; the command that goes on is printed",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Print the version.")
def group() -> None:
    """Tune learning rate, batch size, momentum and weight decay of a PyTorch network for about the price of one training, and see why.

    Results go to stdout, progress and messages to stderr. Every command takes --format text|json, -q and -v.
    """


for _command in (demo, tune, lr_range, min_lr, batch_size, momentum, weight_decay, capacity, train, rescale, diagnose, schedule, show, report, export):
    group.add_command(_command)


def run(args: Sequence[str] | None, *, backend: Backend | None) -> int:
    """Runs one command and gives its exit code.

    Args:
        args: What was typed after `tunesmith`. None means this process's own arguments.
        backend: What does the work; None means tunesmith itself.

    Raises:
        click.ClickException: Usage. Anything else that the command raises comes through as it is.
    """
    instruction = os.environ.get(COMPLETION)
    if instruction and args is None:
        return shell_complete(group, {}, "tunesmith", COMPLETION, instruction)
    words = list(sys.argv[1:] if args is None else args)
    with group.make_context("tunesmith", words.copy(), obj=backend or Backend()) as context:
        if not words:
            click.echo(context.get_help(), err=True)
            return BAD_INPUT
        code: int = group.invoke(context)
    return code
