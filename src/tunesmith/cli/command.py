"""What every command has: --format, -q, -v, and an example in its help."""

import functools
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeAlias

import click

from tunesmith.cli.backend import Backend
from tunesmith.cli.output import only_results_on_stdout, write_json, write_text
from tunesmith.cli.progress import progress_on
from tunesmith.settings import Json

if TYPE_CHECKING:
    from tunesmith.recipe.progress import Progress

P = ParamSpec("P")
Options: TypeAlias = Callable[[Callable[..., int]], Callable[..., int]]

JSON_VERSION = 1
"""Version of the JSON documents that the command line makes itself."""


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How a command speaks.

    Attributes:
        form: "text" or "json".
        verbosity: -1 quiet, 0 usual, 1 more.
    """

    form: str
    verbosity: int

    def result(self, document: Callable[[], dict[str, Json]], text: Callable[[], str]) -> None:
        """One of the two on stdout; the other is not even made."""
        if self.form == "json":
            write_json(document())
        else:
            write_text(text())

    def say(self, sentence: str) -> None:
        """A message on stderr; nothing with -q."""
        if self.verbosity >= 0:
            click.echo(sentence, err=True)

    @contextmanager
    def working(self) -> Generator["Progress", None, None]:
        """Shows progress on stderr, and keeps stdout for results, while the task's own code runs."""
        with progress_on(sys.stderr, verbosity=self.verbosity) as progress, only_results_on_stdout():
            yield progress


def command(name: str, *, example: str) -> Callable[[Callable[Concatenate[Backend, Voice, P], int]], click.Command]:
    """Makes a command of a function (backend, voice, **options) → exit code.

    Args:
        name: What is typed.
        example: One or more lines that could be typed.
    """

    def decorate(body: Callable[Concatenate[Backend, Voice, P], int]) -> click.Command:
        @functools.wraps(body)
        def speak(form: str, *, is_quiet: bool, is_verbose: bool, **options: object) -> int:
            if is_quiet and is_verbose:
                raise click.UsageError("-q and -v must not be given together. Leave one out.", ctx=click.get_current_context())
            voice = Voice(form=form, verbosity=is_verbose - is_quiet)
            return body(click.get_current_context().find_object(Backend) or Backend(), voice, **options)  # type: ignore[arg-type]

        for option in (
            click.option("-v", "--verbose", "is_verbose", is_flag=True, help="Say more on stderr, with tracebacks of errors."),
            click.option("-q", "--quiet", "is_quiet", is_flag=True, help="No progress and no messages on stderr."),
            click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the result on stdout."),
        ):
            speak = option(speak)
        epilog = "\b\nExample:\n" + "\n".join(f"  {line}" for line in example.splitlines())
        return click.command(name, epilog=epilog)(speak)

    return decorate
