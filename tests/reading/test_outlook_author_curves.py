"""The method's author ran these; whoever compares their beginnings must name the one that ended better, or say that it cannot be told yet."""

from pathlib import Path

import pytest
from tests.reading.recorded import first_part

from tunesmith.diagnosis import Outlook, OutlookOutcome
from tunesmith.integrations.logs import read_log
from tunesmith.reading.outlook import foresee

CYCLE, STEP, ADAM = "resnet56-cifar10-cycle-0.1-to-3", "resnet56-cifar10-step-0.35", "resnet56-cifar10-adam-step"
SHARES = (0.15, 0.3, 0.45, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)


def compare(names: tuple[str, str], *, share: float, curves: Path, folder: Path) -> Outlook:
    return foresee([log for name in names for log in read_log(first_part(curves / f"{name}.csv", share=share, folder=folder))])


@pytest.mark.parametrize("share", [0.6, 0.7, 0.8, 0.85, 0.9, 1.0])
def test_on_little_data_the_cycle_ends_better(curves: Path, tmp_path: Path, share: float) -> None:
    """Accuracy .81 against .71: the run of steps has memorised its images, and its loss stands above that of chance."""
    outlook = compare(("resnet56-cifar10-10k-images-cycle-0.1-to-3", "resnet56-cifar10-10k-images-step-0.35"), share=share, curves=curves, folder=tmp_path)
    assert (outlook.best, outlook.outcome) == (0, OutlookOutcome.DECIDED)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (CYCLE, STEP),
        (CYCLE, ADAM),
        (STEP, ADAM),
        (CYCLE, f"{CYCLE}-wd-1e-3"),
        (CYCLE, f"{CYCLE}-wd-1e-5"),
        (f"{CYCLE}-wd-1e-5", f"{CYCLE}-wd-1e-3"),
        (CYCLE, f"{CYCLE}-momentum-0.95"),
        (f"{CYCLE}-momentum-0.85", f"{CYCLE}-momentum-0.95"),
        ("inception-resnet-v2-imagenet-1cycle-wd-3e-6", "inception-resnet-v2-imagenet-1cycle-wd-1e-6"),
    ],
)
def test_no_beginning_is_read_wrongly(curves: Path, tmp_path: Path, better: str, worse: str, share: float) -> None:
    outlook = compare((better, worse), share=share, curves=curves, folder=tmp_path)
    assert outlook.best in (0, None)


@pytest.mark.parametrize("share", [share for share in SHARES if share >= 0.3])
def test_a_run_that_is_lost_to_its_weight_decay_is_seen_long_before_the_end(curves: Path, tmp_path: Path, share: float) -> None:
    assert compare((CYCLE, f"{CYCLE}-wd-1e-3"), share=share, curves=curves, folder=tmp_path).best == 0
