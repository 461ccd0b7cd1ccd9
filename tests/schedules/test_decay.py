from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR

from tunesmith.errors import InputError
from tunesmith.schedules import Schedule, constant, cosine, step, warmup_linear

MAKERS = [warmup_linear, cosine, step, constant]


def torch_lrs(make: Callable[[torch.optim.Optimizer], LRScheduler], *, total_steps: int) -> list[float]:
    """What a torch scheduler drives each update with, at a peak of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    lrs = []
    for _ in range(total_steps):
        lrs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return lrs


@given(total_steps=st.integers(3, 2000), warmup_fraction=st.floats(0, 0.99))
def test_warmup_linear_rises_for_its_share_and_falls_to_zero(total_steps: int, warmup_fraction: float) -> None:
    schedule = warmup_linear(max_lr=1.0, min_lr=0.1, total_steps=total_steps, warmup_fraction=warmup_fraction)
    lrs = [schedule(at) for at in range(total_steps)]
    top = lrs.index(1.0)
    assert abs(top - warmup_fraction * total_steps) <= 2
    assert lrs[0] == (0.1 if top else 1.0)
    assert lrs[-1] == 0.0
    assert lrs[:top] == sorted(lrs[:top])
    assert lrs[top:] == pytest.approx([1 - at / (total_steps - 1 - top) for at in range(total_steps - top)], abs=1e-12)


@pytest.mark.parametrize("total_steps", [2, 3, 100])
def test_cosine_is_torchs_over_one_step_less(total_steps: int) -> None:
    ours = cosine(max_lr=1.0, total_steps=total_steps, final_lr=0.01)
    theirs = torch_lrs(lambda optimizer: CosineAnnealingLR(optimizer, T_max=total_steps - 1, eta_min=0.01), total_steps=total_steps)
    assert [ours(at) for at in range(total_steps)] == pytest.approx(theirs)


def test_step_is_torchs() -> None:
    ours = step(max_lr=1.0, total_steps=80, milestone_fractions=(0.625, 0.875))
    theirs = torch_lrs(lambda optimizer: MultiStepLR(optimizer, milestones=[50, 70]), total_steps=80)
    assert [ours(at) for at in range(80)] == pytest.approx(theirs)


@pytest.mark.parametrize("maker", [cosine, step, constant])
def test_a_single_update_is_driven_by_the_peak(maker: Callable[..., Schedule]) -> None:
    assert maker(max_lr=0.5, total_steps=1)(0) == 0.5


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("wrong", [{"max_lr": 0.0}, {"total_steps": 0}], ids=str)
def test_a_knob_outside_its_range_is_refused_by_name(maker: Callable[..., Schedule], wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"^{maker.__name__}: {next(iter(wrong))} must be"):
        maker(**{"max_lr": 1.0, "total_steps": 10, **wrong})


@pytest.mark.parametrize(
    ("maker", "wrong"),
    [
        (warmup_linear, {"min_lr": 2.0}),
        (warmup_linear, {"warmup_fraction": 1.0}),
        (cosine, {"final_lr": 2.0}),
        (step, {"factor": 0.0}),
        (step, {"milestone_fractions": (0.75, 0.5)}),
        (step, {"milestone_fractions": (0.5, 1.0)}),
    ],
)
def test_an_option_outside_its_range_is_refused_by_name(maker: Callable[..., Schedule], wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=rf"^{maker.__name__}: {next(iter(wrong))} must"):
        maker(max_lr=1.0, total_steps=10, **wrong)
