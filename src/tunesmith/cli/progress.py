"""Progress on stderr: one live line on a terminal, plain lines elsewhere, nothing with -q."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from tunesmith.cli.wording import Pace, forecast_text, run_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from tunesmith.recipe.progress import Forecast, Progress

PLAIN_SECONDS = 10.0
"""At most one plain line about runs in this time, so that a log stays readable (our choice)."""
LIVE_SECONDS = 0.2
"""At most one redraw of the live line in this time, so that a fast run is not slowed down (our choice)."""


class PlainProgress:
    """A line for each stage and decision, and now and then one for where a run stands.

    Args:
        stream: Where the lines go.
        is_verbose: Whether the forecast names its stages.
        clock: () → seconds.
    """

    def __init__(self, stream: TextIO, *, is_verbose: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._is_verbose, self._clock = stream, is_verbose, clock
        self._pace = Pace(clock)
        self._next = clock() + PLAIN_SECONDS

    def forecast(self, forecast: "Forecast") -> None:
        """One line, or one a stage more."""
        self._pace.expect(forecast.total)
        self._say(forecast_text(forecast, with_stages=self._is_verbose))

    def stage(self, name: str, sentence: str) -> None:
        """One line."""
        self._say(f"[{name}] {sentence}")

    def run(self, *, label: str, step: int, total_steps: int, cost: float) -> None:
        """One line, where the last is long enough ago."""
        left = self._pace.seconds_left(cost)
        if self._clock() >= self._next:
            self._next = self._clock() + PLAIN_SECONDS
            self._say(f"    {run_text(label=label, step=step, total_steps=total_steps, cost=cost, seconds_left=left)}")

    def decided(self, sentence: str) -> None:
        """One line."""
        self._say(f"  → {sentence}")

    def message(self, sentence: str) -> None:
        """One line."""
        self._say(sentence)

    def _say(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except OSError:  # nobody is listening any more: that is no reason to stop training
            pass


class RichProgress:
    """What was decided, line by line, and below it one live line for the run that is going on.

    Args:
        live: Shows the live line; must have been started.
        console: Where the lines go.
        is_verbose: Whether the forecast names its stages.
        clock: () → seconds.
    """

    def __init__(self, live: "Live", console: "Console", *, is_verbose: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._live, self._console, self._is_verbose, self._clock = live, console, is_verbose, clock
        self._pace = Pace(clock)
        self._stage = ""
        self._next = 0.0

    def forecast(self, forecast: "Forecast") -> None:
        """One line, or one a stage more."""
        self._pace.expect(forecast.total)
        self._say(forecast_text(forecast, with_stages=self._is_verbose), style="")

    def stage(self, name: str, sentence: str) -> None:
        """One line, and the name in the live line."""
        self._stage = name
        self._say(f"{name}: {sentence}", style="bold")

    def run(self, *, label: str, step: int, total_steps: int, cost: float) -> None:
        """The live line."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + LIVE_SECONDS
        self._show(f"{self._stage} · {run_text(label=label, step=step, total_steps=total_steps, cost=cost, seconds_left=self._pace.seconds_left(cost))}")

    def decided(self, sentence: str) -> None:
        """One line."""
        self._say(f"  → {sentence}", style="green")

    def message(self, sentence: str) -> None:
        """One line."""
        self._say(sentence, style="")

    def _say(self, text: str, *, style: str) -> None:
        from rich.console import Group  # noqa: PLC0415 (rich is loaded for a terminal only)
        from rich.text import Text  # noqa: PLC0415

        self._live.update(Group(), refresh=True)  # the run that the live line told of has ended
        self._console.print(Text(text, style=style))

    def _show(self, text: str) -> None:
        from rich.text import Text  # noqa: PLC0415

        self._live.update(Text(text, style="dim", no_wrap=True, overflow="ellipsis"), refresh=True)


@contextmanager
def progress_on(stream: TextIO, *, verbosity: int) -> Generator["Progress", None, None]:
    """The Progress that suits `stream`.

    Args:
        stream: Normally stderr.
        verbosity: -1 says nothing, 0 is the usual, 1 says more.
    """
    if verbosity < 0:
        from tunesmith.recipe.progress import SilentProgress  # noqa: PLC0415 (the recipe is loaded by commands that train)

        yield SilentProgress()
    elif not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield PlainProgress(stream, is_verbose=verbosity > 0)
    else:
        from rich.console import Console  # noqa: PLC0415 (rich is loaded for a terminal only)
        from rich.live import Live  # noqa: PLC0415

        console = Console(file=stream, highlight=False)
        # No thread redraws the line: a thread would take its share of the time that is being measured.
        with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
            yield RichProgress(live, console, is_verbose=verbosity > 0)
