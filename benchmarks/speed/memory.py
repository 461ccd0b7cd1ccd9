"""A process of its own whose peak of memory is looked at: a large network trained a little, then so many updates more, bare or as a range test.

    python -m benchmarks.speed.memory bare --width 3536 --steps 20    →  {"peak": bytes, "state": bytes}

The state is what a script holds when it calls a range test: weights, momentum buffers, and the gradients of its last update unless these were cleared.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD

import tunesmith as ts

STATUS = Path("/proc/self/status")
WARM_UP_STEPS, BATCH_SIZE, LR = 2, 8, 1e-7
BARE, OURS = "bare", "ours"


@dataclass(frozen=True, kw_only=True)
class Peak:
    """What a process used at most, and what its training's state is, in bytes."""

    peak: int
    state: int


def peak_of(who: str, *, width: int, steps: int, clears_gradients: bool) -> Peak:
    """Start such a process and hear what it says."""
    words = [sys.executable, "-m", "benchmarks.speed.memory", who, "--width", str(width), "--steps", str(steps)]
    done = subprocess.run([*words, *["--clear"] * clears_gradients], check=True, capture_output=True, text=True)  # noqa: S603 (our own command)
    return Peak(**json.loads(done.stdout))


def main() -> None:
    """Train, then print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("who", choices=[BARE, OURS])
    parser.add_argument("--width", type=int, required=True, help="of two layers; so many squared parameters each")
    parser.add_argument("--steps", type=int, required=True, help="updates")
    parser.add_argument("--clear", action="store_true", help="gradients are None when the range test is called")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(options.width, options.width), nn.ReLU(), nn.Linear(options.width, options.width))
    optimizer = SGD(model.parameters(), lr=LR, momentum=0.9)
    batches = [(torch.zeros(BATCH_SIZE, options.width), torch.zeros(BATCH_SIZE, options.width))]
    _train(model, optimizer, batches, steps=WARM_UP_STEPS)
    if options.clear:
        optimizer.zero_grad()
    state = _state_bytes(model, optimizer)
    if options.who == OURS:
        ts.lr_range_test(model, optimizer, F.mse_loss, batches, start_lr=0.0, end_lr=LR, steps=options.steps)
    else:
        _train(model, optimizer, batches, steps=options.steps)
    peak = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"peak": 1024 * int(peak.split()[1]), "state": state}))


def _train(model: nn.Module, optimizer: SGD, batches: list[tuple[Tensor, Tensor]], *, steps: int) -> None:
    for _ in range(steps):
        for inputs, targets in batches:
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()


def _state_bytes(model: nn.Module, optimizer: SGD) -> int:
    weights = list(model.parameters())
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    momentum = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]
    return sum(tensor.nbytes for tensor in [*weights, *gradients, *momentum])


if __name__ == "__main__":
    main()
