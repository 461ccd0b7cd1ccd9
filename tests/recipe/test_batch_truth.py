"""A task whose critical batch is the same at every weight and known to the last digit, on made-up machines whose best batch is that of a closed form."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tunesmith.plan import Plan
from tunesmith.recipe import tune
from tunesmith.settings import Settings
from tunesmith.task import Task

WEIGHTS, N_TRAIN, EPOCHS = 20, 4096, 40
BASE = 32
SIZES = (8, 16, 32, 64, 128, 256, 512)
SEEDS, FEWEST_RIGHT = 6, 5
"""k of n: a seed may go wrong once in 25, since its noise scale is known to a tenth to a third; then two of six do by chance in 2 % of the cases."""


class Cone(nn.Module):
    """An example's loss is 1 + |w| + ξ·w, w starts at length 1: the mean gradient has length 1 wherever w is, and its noise is that of ξ."""

    def __init__(self) -> None:
        super().__init__()
        weight = torch.randn(WEIGHTS)
        self.weight = nn.Parameter(weight / weight.norm())

    def forward(self, inputs: Tensor) -> Tensor:
        return 1 + self.weight.norm() + inputs @ self.weight


def mean(output: Tensor, _target: Tensor) -> Tensor:
    return output.mean()


def cone(critical: float) -> Task:
    """ξ comes in pairs that cancel, so that |G|² is 1 and tr Σ, the mean of |ξ|², is the critical batch."""
    half = torch.randn(N_TRAIN // 2, WEIGHTS, generator=torch.Generator().manual_seed(0))
    inputs = torch.cat([half, -half])[torch.randperm(N_TRAIN, generator=torch.Generator().manual_seed(1))]
    inputs *= math.sqrt(critical / float(inputs.square().sum(dim=1).mean()))
    return Task(
        model=Cone, train=(inputs, torch.zeros(N_TRAIN)), valid=(torch.zeros(64, WEIGHTS), torch.zeros(64)), loss=mean, epochs=EPOCHS,
        current=Settings(batch_size=BASE, epochs=1),
    )  # fmt: skip


def machine(folder: Path, a: float, c: float) -> Path:
    """An update takes a seconds, and c for each example."""
    path = folder / "machine.json"
    path.write_text(json.dumps({"version": 1, "seconds_per_step": {str(size): a + c * size for size in SIZES}}))
    return path


def tuned(folder: Path, critical: float, *, times: Path, seed: int) -> Plan:
    return tune(cone(critical), out=folder / f"seed-{seed}", seed=seed, time_model=times, fixed={"momentum": 0.9, "weight_decay": 0.0}, device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("critical", [BASE / 4, BASE / 2, BASE, 4 * BASE])
def test_the_batch_of_least_time_is_found_to_a_factor_of_two(tmp_path: Path, critical: float) -> None:
    """Time goes like (1 + Bc/B)(a + cB), least at √(a·Bc/c): with a = c·Bc that is Bc itself. Right: within a factor of 2, on at least 5 of 6 seeds.

    A quarter and four times the base are out of that reach, so that staying there is wrong. When this was written all 24 sizes were right, and 23 of the noise
    scales; the last had no value, since its mean gradient was not clear of zero.
    """
    times = machine(tmp_path, 1e-5 * critical, 1e-5)
    plans = [tuned(tmp_path, critical, times=times, seed=seed) for seed in range(SEEDS)]
    sizes = [plan.batch_size for plan in plans]
    assert sum(critical / 2 <= size <= 2 * critical for size in sizes) >= FEWEST_RIGHT, sizes
    scales = [finding.value for plan in plans for finding in plan.findings if finding.kind == "noise_scale"]
    assert sum(scale is not None and critical / 2 <= scale <= 2 * critical for scale in scales) >= FEWEST_RIGHT, scales


@pytest.mark.slow
@pytest.mark.parametrize("faster", [8, 128])
def test_the_machine_decides_where_the_noise_is_the_same(tmp_path: Path, faster: int) -> None:
    """The same gradients (Bc = 32) on a machine that is slow at all sizes but one."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({"version": 1, "seconds_per_step": {str(size): (0.2 if size == faster else 1.0) * (32 + size) for size in SIZES}}))
    sizes = [tuned(tmp_path, 32, times=path, seed=seed).batch_size for seed in range(SEEDS)]
    assert sum(size == faster for size in sizes) >= FEWEST_RIGHT, sizes


def test_where_a_larger_batch_saves_nothing_the_base_stays_and_no_gradient_is_sampled(tmp_path: Path) -> None:
    """An update takes the same up to the base and then grows with its examples: no noise scale could make another size faster."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({"version": 1, "seconds_per_step": {str(size): max(size, BASE) * 1e-5 for size in SIZES}}))
    plan = tuned(tmp_path, 4 * BASE, times=path, seed=0)
    assert plan.batch_size == BASE
    assert not [finding for finding in plan.findings if finding.kind in ("noise_scale", "lr_exponent")]
    (found,) = (finding for finding in plan.findings if finding.kind == "batch_size")
    assert "no other size can be faster, whatever the noise" in found.evidence
