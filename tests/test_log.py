"""A log of ours and of others: which way a metric is good, by its name, and a curve of ours read as a log."""

import math

import pytest
from hypothesis import given
from tests import record_strategies as records

from tunesmith.curve import Curve
from tunesmith.log import StepUnit, TrainingLog, direction_of, from_curve


@pytest.mark.parametrize(
    "name",
    ["accuracy", "val_acc", "acc1", "Acc@1", "top1", "test_top5", "metrics/accuracy_top1", "prec@5", "f1", "MulticlassF1Score", "auc", "AUROC", "roc_auc",
     "bleu", "rougeL", "rouge1", "IoU", "mIoU", "MeanIoU", "mAP", "metrics/mAP50-95(B)", "precision", "recall", "r2", "R2Score", "r_squared", "psnr", "ssim",
     "exact_match", "log_likelihood", "neg_mean_absolute_error", "valAccuracy"],
)  # fmt: skip
def test_more_is_better(name: str) -> None:
    assert direction_of(name) is True


@pytest.mark.parametrize(
    "name",
    ["loss", "error", "err", "top5_error", "mae", "val_mse", "RMSE", "MeanSquaredError", "perplexity", "val_ppl", "wer", "cer", "nll", "bpc", "bpb",
     "cross_entropy", "dice_loss", "neg_log_likelihood", "negative_log_likelihood", "fid_score", "ece", "accuracy_gap", "neg_loss"],
)  # fmt: skip
def test_less_is_better(name: str) -> None:
    assert direction_of(name) is False


@pytest.mark.parametrize("name", ["score", "", "lr", "grad_norm", "temperature", "éà"])
def test_other_names_do_not_say(name: str) -> None:
    assert direction_of(name) is None


def same(values: list[float], others: tuple[float, ...]) -> bool:
    return len(values) == len(others) and all(one == other or (math.isnan(one) and math.isnan(other)) for one, other in zip(values, others, strict=True))


@given(records.curves())
def test_a_curve_read_as_a_log_keeps_every_value(curve: Curve) -> None:
    log = from_curve(curve, name="a run", total_steps=7)
    assert (log.name, log.step_unit, log.total_steps) == ("a run", StepUnit.STEP, 7)
    assert log.train_loss.step.tolist() == list(range(1, 1 + len(curve.train_loss)))
    assert same(log.train_loss.value.tolist(), curve.train_loss)
    assert same(log.lr.value.tolist(), curve.lr)
    assert same(log.valid_loss.value.tolist(), curve.valid_loss)
    assert log.valid_loss.step.tolist() == list(curve.eval_step)
    assert set(log.valid_metrics) == set(curve.metrics)
    assert TrainingLog.from_dict(log.to_dict()).to_dict() == log.to_dict()
