"""Train with Hugging Face's Trainer, which keeps `trainer_state.json` and event files in the given folder; `recorded.json` is its history as Python has it."""

import json
import os
import sys
from pathlib import Path

import torch
from torch import nn
from transformers import EvalPrediction, Trainer, TrainingArguments


class Net(nn.Module):
    """One layer, with its loss inside as the Trainer expects it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """The loss and the output."""
        output = self.layer(x).squeeze(-1)
        return {"loss": nn.functional.mse_loss(output, labels), "logits": output}


def mae(prediction: EvalPrediction) -> dict[str, float]:
    """Mean absolute error."""
    return {"mae": float(abs(prediction.predictions - prediction.label_ids).mean())}


def main() -> None:
    """Train four epochs."""
    out = Path(sys.argv[1])
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(out / "runs")
    torch.manual_seed(0)
    inputs = torch.randn(64, 4)
    data = [{"x": x, "labels": x.sum()} for x in inputs]
    arguments = TrainingArguments(
        output_dir=str(out), num_train_epochs=4, per_device_train_batch_size=8, learning_rate=0.05, logging_steps=2, eval_strategy="epoch",
        save_strategy="epoch", report_to=["tensorboard"], use_cpu=True, disable_tqdm=True, seed=0,
    )  # fmt: skip
    trainer = Trainer(model=Net(), args=arguments, train_dataset=data, eval_dataset=data[:16], compute_metrics=mae)
    trainer.train()
    trainer.save_state()
    (out / "recorded.json").write_text(json.dumps(trainer.state.log_history))


if __name__ == "__main__":
    main()
