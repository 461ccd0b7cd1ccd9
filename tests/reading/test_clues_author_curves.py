"""What the method's author's own runs must be called, by their reports and by how they ended. No constant may be set to please a single one of them."""

from pathlib import Path

import pytest
from tests.reading.recorded import first_part

from tunesmith.finding import Finding
from tunesmith.integrations.logs import read_log
from tunesmith.reading.clues import read_clues

CYCLE, ON_10K = "resnet56-cifar10-cycle-0.1-to-3", "resnet56-cifar10-10k-images"
ACCEPTED = [
    (f"{CYCLE}-wd-1e-3", 1.0, {"diverged", "unstable"}),
    (f"{CYCLE}-wd-1e-3", 0.6, {"diverged", "unstable"}),
    (f"{CYCLE}-wd-1e-5", 1.0, {"overfitting", "weight_decay_low"}),
    (f"{CYCLE}-wd-1e-5", 0.8, {"overfitting", "weight_decay_low"}),
    (f"{CYCLE}-wd-1e-5", 0.4, {"unfinished"}),
    (f"{ON_10K}-step-0.35", 1.0, {"overfitting", "unstable"}),
    (f"{ON_10K}-step-0.35", 0.2, {"overfitting", "unstable"}),
    ("resnet56-cifar10-adam-step", 0.6, {"unstable", "oscillating", "overfitting"}),
    ("densenet40-cifar10-step-0.1-400-epochs", 1.0, {"plateaued"}),
    ("wrn32-cifar10-1cycle-0.1-to-1", 1.0, {"balanced", "plateaued"}),
    ("resnet56-cifar10-1cycle-0.08-to-0.8-momentum-0.95", 1.0, {"balanced", "plateaued"}),
    (CYCLE, 1.0, {"balanced", "plateaued"}),
]


def verdict(curves: Path, name: str, *, share: float, folder: Path) -> Finding:
    (log,) = read_log(first_part(curves / f"{name}.csv", share=share, folder=folder))
    return read_clues(log)[0]


@pytest.mark.parametrize(("name", "share", "accepted"), ACCEPTED)
def test_a_run_is_called_what_it_was(curves: Path, tmp_path: Path, name: str, share: float, accepted: set[str]) -> None:
    found = verdict(curves, name, share=share, folder=tmp_path)
    assert found.kind in accepted
    assert found.confidence >= 0.5


@pytest.mark.parametrize("share", [1.0, 0.8, 0.6, 0.4])
@pytest.mark.parametrize("name", ["resnet50-imagenet-1cycle-0.05-to-1", *(f"inception-resnet-v2-imagenet-1cycle-wd-{decay}" for decay in ("1e-6", "3e-6"))])
def test_long_cycles_neither_overfit_nor_jump(curves: Path, tmp_path: Path, name: str, share: float) -> None:
    assert verdict(curves, name, share=share, folder=tmp_path).kind not in {"overfitting", "unstable"}


def test_the_run_with_too_much_decay_was_lost_between_1500_and_5500(curves: Path, tmp_path: Path) -> None:
    since = verdict(curves, f"{CYCLE}-wd-1e-3", share=1.0, folder=tmp_path).since_step
    assert since is not None
    assert 1500 <= since <= 5500


def test_at_two_fifths_a_growing_gap_is_said_and_not_yet_judged(curves: Path, tmp_path: Path) -> None:
    assert "cannot be told yet" in verdict(curves, f"{CYCLE}-wd-1e-5", share=0.4, folder=tmp_path).evidence
