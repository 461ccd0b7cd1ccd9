"""A script of its own: interrupts a range test where a clock says, again and again, and tells how often anything was left of it.

Its own process, since pytest's time limit uses the same alarm.
"""

import random
import signal
import sys

import torch
from tests.in_script.small import SWEEP, Training, seed_everything
from torch.nn import functional as F

import tunesmith as ts

LONGEST_SECONDS = 0.05


def main(trials: int) -> None:
    """Print how many trials were interrupted, and the names of what was not as before."""
    training = Training(kind="adamw, groups", scaler=torch.amp.GradScaler("cpu"))
    seed_everything(0)
    training.train(2)
    found, interrupted, differing, draw = training.bits(), 0, set[str](), random.Random(0)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for _ in range(trials):
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-5, LONGEST_SECONDS))
                ts.lr_range_test(training.model, training.optimizer, F.cross_entropy, training.loader, training.valid_loader, scaler=training.scaler, **SWEEP)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupted += 1
        now = training.bits()
        differing |= {name for name in now if now[name] != found[name]}
    print(interrupted, sorted(differing), torch.is_grad_enabled())  # noqa: T201 (what the test reads)


if __name__ == "__main__":
    main(int(sys.argv[1]))
