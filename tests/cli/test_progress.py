import io
import os
import pty

import pytest

from tunesmith.cli.progress import PLAIN_SECONDS, PlainProgress, progress_on
from tunesmith.cli.wording import Pace, forecast_text
from tunesmith.recipe.progress import Forecast, Progress

FORECAST = Forecast(search=(0.5, 0.9), total=(1.5, 1.9), seconds=(30.0, 45.0), stages=(("lr_range", 0.1, 0.2), ("momentum", 0.2, 0.4)))


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_plain_progress_is_a_line_each() -> None:
    stream = io.StringIO()
    progress: Progress = PlainProgress(stream)
    progress.forecast(FORECAST)
    progress.stage("lr_range", "Sweeping the learning rate.")
    progress.decided("The edge is at 1.2.")
    progress.message("Resumed.")
    assert stream.getvalue().splitlines() == [
        "Forecast: the search costs 0.50 to 0.90 full trainings, everything 1.50 to 1.90, in about 30.0 s to 45.0 s.",
        "[lr_range] Sweeping the learning rate.",
        "  → The edge is at 1.2.",
        "Resumed.",
    ]


def test_plain_progress_tells_of_runs_now_and_then() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = PlainProgress(stream, clock=clock)
    progress.forecast(FORECAST)
    stream.truncate(0)
    for step in range(250):
        progress.run(label="momentum .95", step=step, total_steps=250, cost=step / 1000)
        clock.now += 0.125
    lines = stream.getvalue().strip("\0").splitlines()
    assert len(lines) == 250 * 0.125 // PLAIN_SECONDS == 3
    assert lines[0].startswith("    momentum .95 · step 80/250 · 0.08 full trainings so far · about ")
    assert lines[0].endswith(" left")


def test_verbose_names_the_stages() -> None:
    assert forecast_text(FORECAST, with_stages=True).splitlines()[1:] == ["  lr_range: 0.10 to 0.20", "  momentum: 0.20 to 0.40"]


def test_nobody_listening_does_not_stop_a_training() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    PlainProgress(stream).message("x")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, writing)
    os.close(null)
    stream.close()


def test_the_pace_needs_a_while_and_counts_from_where_the_session_began() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.seconds_left(0.5) is None
    pace.expect((1.0, 2.0))
    clock.now += 1
    assert pace.seconds_left(0.6) is None
    clock.now += 9
    assert pace.seconds_left(1.0) == 10.0  # .5 in 10 s, .5 to the middle of the forecast
    clock.now += 10
    assert pace.seconds_left(1.5) == 10.0  # at the middle: .5 to its end
    clock.now += 20
    assert pace.seconds_left(2.5) is None


def show_on_a_terminal(verbosity: int) -> str:
    reading, writing = pty.openpty()
    with os.fdopen(writing, "w") as stream:
        with progress_on(stream, verbosity=verbosity) as progress:
            progress.forecast(FORECAST)
            progress.stage("momentum", "Short runs at [four] momenta.")
            progress.run(label="momentum .95", step=1, total_steps=9, cost=0.25)
            progress.run(label="momentum .95", step=2, total_steps=9, cost=0.26)  # too soon after the first to be drawn
            progress.decided("Momentum .95.")
            progress.message("Done.")
        stream.write("end")
        stream.flush()
        shown = ""
        while not shown.endswith("end"):
            shown += os.read(reading, 4096).decode()
    os.close(reading)
    return shown


def test_a_terminal_has_a_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    shown = show_on_a_terminal(0)
    assert "Forecast: the search costs" in shown
    assert "momentum: Short runs at [four] momenta." in shown
    assert "momentum · momentum .95 · step 1/9 · 0.25 full trainings so far" in shown
    assert "step 2/9" not in shown
    assert "→ Momentum .95." in shown
    assert shown.count("step 1/9") == 1
    assert "\x1b[2K" in shown[shown.index("step 1/9") : shown.index("→ Momentum .95.")]  # the live line was wiped


def test_a_narrow_terminal_shortens_the_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")
    assert "momentum · momentum .95 · ste…" in show_on_a_terminal(0)


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "[momentum] Short runs" in show_on_a_terminal(0)


def test_quiet_says_nothing_even_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert show_on_a_terminal(-1) == "end"
