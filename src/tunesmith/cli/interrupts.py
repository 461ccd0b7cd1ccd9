"""SIGINT and SIGTERM, both as KeyboardInterrupt, remembered: libraries turn an interrupt into errors of their own, and it must still end as an interrupt."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Whether this process was interrupted.

    Attributes:
        happened: Whether a signal arrived.
    """

    def __init__(self) -> None:
        self.happened = False
        self._owner = os.getpid()
        self._previous: dict[int, signal.Handlers | object] = {}

    def listen(self) -> None:
        """Raise KeyboardInterrupt at each signal, where this is the main thread. One that is ignored (nohup, a shell's background job) stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            previous = signal.getsignal(number)
            if previous is not signal.SIG_IGN and previous is not None:
                self._previous[number] = previous
                signal.signal(number, self._handle)

    def ignore_more(self) -> None:
        """Let the last words be said, however often Ctrl-C is pressed."""
        for number in self._previous:
            signal.signal(number, signal.SIG_IGN)

    def restore(self) -> None:
        """Everything as it was before `listen`."""
        for number, previous in self._previous.items():
            signal.signal(number, previous)  # type: ignore[arg-type]

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._owner:  # a forked child, such as a DataLoader's worker: it ends as if we had never listened
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.happened = True
        raise KeyboardInterrupt


@contextmanager
def catching_interrupts(*, restores: bool) -> Generator[Interrupts, None, None]:
    """SIGINT and SIGTERM raise KeyboardInterrupt inside.

    Args:
        restores: Whether the previous handlers come back in any case. False for a process of our own: once interrupted it only has to end, and a second
            Ctrl-C must not spoil that.
    """
    interrupts = Interrupts()
    interrupts.listen()
    try:
        yield interrupts
    finally:
        if restores or not interrupts.happened:
            interrupts.restore()
