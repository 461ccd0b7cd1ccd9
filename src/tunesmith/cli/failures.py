"""What a command raised, as an exit code and what the user reads about it on stderr."""

import os
import shlex
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from tunesmith.errors import TunesmithError, UserCodeError

BAD_INPUT = 2
USER_CODE = 3
OUR_BUG = 70
BROKEN_PIPE = 141
"""What a shell reports for a command that SIGPIPE ended."""
INTERRUPTED = 130

KEEPS_ITS_WORK = frozenset({"batch-size", "capacity", "demo", "lr-range", "min-lr", "momentum", "train", "tune", "weight-decay"})
"""Commands that train: what they finished is in the study, and the same command goes on from there."""

_PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep


def report_failure(error: BaseException, *, args: Sequence[str] | None) -> int:
    """Says what went wrong, and gives the exit code.

    Args:
        error: What the command raised.
        args: What was typed after `tunesmith`; None for this process's own arguments.
    """
    words = sys.argv[1:] if args is None else list(args)
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return _interrupted(words, typed=_typed() if args is None else ["tunesmith", *words])
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return BROKEN_PIPE
    is_verbose = "-v" in words or "--verbose" in words
    if isinstance(error, (UserCodeError, SystemExit)):
        return _failed_task(error, is_verbose=is_verbose)
    if is_verbose and not isinstance(error, click.ClickException):
        _say("".join(traceback.format_exception(error)))
    if isinstance(error, click.ClickException):
        return _misused(error)
    if isinstance(error, TunesmithError):
        _say(f"Error: {error}")
        return BAD_INPUT
    if isinstance(error, OSError):
        _say(f"Error: {_os_sentence(error)}")
        return BAD_INPUT
    advice = "The traceback is above." if is_verbose else "The same command with -v shows the traceback."
    _say(f"tunesmith itself failed, with {_named(error)}. That is a bug of ours: please report it. {advice} What a study has finished is kept.")
    return OUR_BUG


def _interrupted(words: Sequence[str], *, typed: Sequence[str]) -> int:
    if words and words[0] in KEEPS_ITS_WORK:
        _say(f"Interrupted. What was finished is kept; this command goes on from there:\n  {shlex.join(typed)}")
    else:
        _say(f"Interrupted. To start again:\n  {shlex.join(typed)}")
    return INTERRUPTED


def _typed() -> list[str]:
    """This process's command as it was typed, so that it can be typed again."""
    script = sys.argv[0]
    if Path(script).name == "__main__.py":  # python -m …
        return list(sys.orig_argv)
    found = shutil.which(Path(script).name)
    is_on_path = found is not None and Path(found).exists() and Path(script).exists() and Path(found).samefile(script)
    return [Path(script).name if is_on_path else script, *sys.argv[1:]]


def _failed_task(error: UserCodeError | SystemExit, *, is_verbose: bool) -> int:
    """The traceback of the task's own code, without our frames, and where it came from."""
    if is_verbose:
        _say("".join(traceback.format_exception(error)))
    elif (cause := error if isinstance(error, SystemExit) else error.__cause__) is not None:
        shown = traceback.TracebackException.from_exception(cause)
        _leave_our_frames_out(shown)
        _say("".join(shown.format()))
    sentence = f"The task's own code failed: it ended the process ({_named(error)})." if isinstance(error, SystemExit) else str(error)
    _say(f"Error: {sentence}")
    return USER_CODE


def _leave_our_frames_out(shown: traceback.TracebackException) -> None:
    shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if not frame.filename.startswith((_PACKAGE, "<frozen importlib"))])
    for other in (shown.__cause__, shown.__context__):
        if other is not None:
            _leave_our_frames_out(other)


def _misused(error: click.ClickException) -> int:
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = " ".join(error.format_message().split())
    _say(f"Error: {message}" + (f" See '{context.command_path} --help'." if context is not None else ""))
    return BAD_INPUT


def _os_sentence(error: OSError) -> str:
    reason = error.strerror or _named(error)
    where = f" ({error.filename})" if error.filename else ""
    return f"a file cannot be used as asked: {reason}{where}. Look at the path, its permissions and the space on its disk."


def _named(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _say(text: str) -> None:
    if sys.stderr is None:  # closed before Python began
        return
    try:
        sys.stderr.write(text.rstrip("\n") + "\n")
        sys.stderr.flush()
    except OSError:  # nobody is listening any more: the exit code still tells
        pass


def _drop_output() -> None:
    """Lets Python flush its buffers into nothing at exit, where nobody reads them."""
    from tunesmith.cli.output import drop  # noqa: PLC0415

    drop(sys.stdout)
    drop(sys.stderr)
