"""Which way a metric is good, by its name."""

import pytest

from tunesmith.log import direction_of


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
