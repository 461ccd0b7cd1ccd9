"""Signals, in a process of its own."""

import os
import shlex
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.harness import python

from tunesmith.cli.interrupts import catching_interrupts

if TYPE_CHECKING:
    import subprocess

SCRIPT = """
import os, sys, time
from tunesmith.cli import main
from tunesmith.cli.backend import Backend

def tune(task, **options):
    print("printed by the task", flush=True)
    {body}

def be_ready():
    print("ready", file=sys.stderr, flush=True)

sys.exit(main(backend=Backend(load_task=lambda reference: None, tune=tune)))
"""
WAITS = "be_ready(); time.sleep(30)"
TURNS_IT_INTO_AN_ERROR = """try:
        be_ready()
        time.sleep(30)
    except KeyboardInterrupt:
        raise RuntimeError("a worker exited unexpectedly") from None"""
CLEANS_UP_SLOWLY = """try:
        be_ready()
        time.sleep(30)
    finally:
        print("cleaning", file=sys.stderr, flush=True)
        time.sleep(30)"""


def start(folder: Path, body: str) -> tuple["subprocess.Popen[str]", list[str]]:
    script = folder / "my script.py"
    script.write_text(SCRIPT.format(body=body), encoding="utf-8")
    typed = [str(script), "tune", "train.py:task", "--out", "my runs", "--format", "json"]
    process = python(*typed)
    assert process.stderr is not None
    while process.stderr.readline() != "ready\n":
        assert process.poll() is None
    return process, typed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("body", [WAITS, TURNS_IT_INTO_AN_ERROR])
def test_a_signal_ends_with_130_and_the_command_that_goes_on(tmp_path: Path, number: int, body: str) -> None:
    process, typed = start(tmp_path, body)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert shlex.split(err.splitlines()[-1]) == typed


def test_a_second_signal_ends_a_slow_farewell(tmp_path: Path) -> None:
    process, typed = start(tmp_path, CLEANS_UP_SLOWLY)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == "cleaning\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert shlex.split(err.splitlines()[-1]) == typed


def test_the_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with catching_interrupts(restores=True) as interrupts, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.happened
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_in_another_thread_nothing_is_touched() -> None:
    seen = []

    def body() -> None:
        with catching_interrupts(restores=True) as interrupts:
            seen.append((interrupts.happened, signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with catching_interrupts(restores=True):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_ends_as_if_nobody_listened() -> None:
    ready, tell = os.pipe()
    with catching_interrupts(restores=True) as interrupts:
        pid = os.fork()  # as a DataLoader makes its workers
        if pid == 0:
            os.write(tell, b"x")
            time.sleep(20)
            os._exit(0)
        os.read(ready, 1)
        os.kill(pid, signal.SIGTERM)
        _, status = os.waitpid(pid, 0)
    os.close(ready)
    os.close(tell)
    assert os.WTERMSIG(status) == signal.SIGTERM
    assert not interrupts.happened
