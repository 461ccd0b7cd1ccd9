"""Nothing of a range test inside a script is left, however it ends."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.in_script.small import (
    BATCH,
    BATCHES,
    OPTIMIZERS,
    SWEEP,
    Stream,
    Training,
    finished,
    plain_net,
    seed_everything,
    sgd,
    sweep,
)
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

import tunesmith as ts

ROOT = Path(__file__).parents[2]
ENDS = [RuntimeError, KeyboardInterrupt, torch.OutOfMemoryError, SystemExit, ValueError]


class TestNoTrace:
    @settings(max_examples=20)
    @given(
        kind=st.sampled_from(sorted(OPTIMIZERS)), before=st.integers(0, 3), repeats=st.integers(1, 2), end=st.none() | st.sampled_from(ENDS),
        at=st.integers(1, 30), precision=st.sampled_from(["fp32", "bf16", "fp16"]), has_scaler=st.booleans(), clears=st.booleans(),
    )  # fmt: skip
    def test_training_goes_on_bit_for_bit(
        self, *, kind: str, before: int, repeats: int, end: type[BaseException] | None, at: int, precision: str, has_scaler: bool, clears: bool
    ) -> None:
        probed, plain = (Training(kind=kind, scaler=torch.amp.GradScaler("cpu", init_scale=2.0**40) if has_scaler else None) for _ in range(2))
        calls = itertools.count(1)

        def loss(output: Tensor, target: Tensor) -> Tensor:
            if end is not None and next(calls) == at:
                raise end("as if")
            return F.cross_entropy(output, target)

        for training in (plain, probed):
            seed_everything(12)
            training.train(before)
            if clears:
                training.optimizer.zero_grad()
            if training is probed:
                found = training.bits()
                try:
                    ts.lr_range_test(
                        training.model, training.optimizer, loss, training.loader, training.valid_loader,
                        scaler=training.scaler, precision=precision, repeats=repeats, clip_grad_norm=1.0, **SWEEP,
                    )  # fmt: skip
                except BaseException as error:
                    if end is None or not isinstance(error, end):
                        raise
                assert training.bits() == found
            training.train(4)
        assert finished(probed) == finished(plain)

    @pytest.mark.slow
    def test_an_interrupt_at_any_moment_leaves_nothing(self) -> None:
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "tests.in_script.interrupted", "300"],
            env={**os.environ, "PYTHONPATH": path}, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in {0, -signal.SIGINT}, done.stderr  # Python ends so where an interrupt hit an import, though it was caught
        interrupted, rest = done.stdout.split(maxsplit=1)
        assert int(interrupted) > 30
        assert rest.strip() == "[] True"

    def test_a_schedule_made_before_goes_on_without_a_warning(self) -> None:
        model = plain_net()
        optimizer = sgd(model)
        scheduler = LambdaLR(optimizer, lambda step: 1 / (1 + step))
        ts.lr_range_test(model, optimizer, F.cross_entropy, BATCHES, **SWEEP)
        assert scheduler.get_last_lr() == [optimizer.param_groups[0]["lr"]] == [0.1]
        optimizer.step()
        scheduler.step()
        assert optimizer.param_groups[0]["lr"] == 0.05

    def test_a_loss_with_weights_comes_back_too(self) -> None:
        class Weighted(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.scale = nn.Parameter(torch.ones(1))
                self.register_buffer("seen", torch.zeros(()))

            def forward(self, output: Tensor, target: Tensor) -> Tensor:
                self.seen += 1
                return F.cross_entropy(output * self.scale, target)

        model, loss = plain_net(), Weighted()
        optimizer = torch.optim.SGD([*model.parameters(), *loss.parameters()], lr=0.1)
        ts.lr_range_test(model, optimizer, loss, BATCHES, **SWEEP)
        assert (loss.scale.item(), loss.seen.item()) == (1.0, 0.0)
        assert loss.scale.grad is None

    def test_a_stream_that_goes_on_is_wound_back(self) -> None:
        stream = Stream()
        sweep(train_loader=DataLoader(stream, BATCH))
        assert stream.position == 0
