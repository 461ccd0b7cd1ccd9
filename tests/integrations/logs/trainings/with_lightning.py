"""Train with Lightning, whose loggers write `csv` and `tensorboard` in the given folder; `recorded.json` is what the loop saw at each step."""

import json
import sys
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(lightning.LightningModule):
    """One layer; keeps its losses."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.train_losses: list[float] = []
        self.lrs: list[float] = []
        self.valid_losses: list[float] = []

    def loss(self, batch: list[torch.Tensor]) -> torch.Tensor:
        """Mean squared error."""
        return nn.functional.mse_loss(self.layer(batch[0]).squeeze(-1), batch[1])

    def training_step(self, batch: list[torch.Tensor], _index: int) -> torch.Tensor:
        """Log each step and each epoch."""
        loss = self.loss(batch)
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        self.train_losses.append(float(loss))
        self.lrs.append(self.optimizers().param_groups[0]["lr"])
        return loss

    def validation_step(self, batch: list[torch.Tensor], _index: int) -> None:
        """Log the only batch of an epoch."""
        loss = self.loss(batch)
        self.log("val_loss", loss)
        self.valid_losses.append(float(loss))

    def configure_optimizers(self) -> dict[str, object]:
        """SGD whose rate falls each epoch."""
        optimizer = torch.optim.SGD(self.parameters(), lr=0.05)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)}


def main() -> None:
    """Train four epochs of eight steps."""
    out = sys.argv[1]
    torch.manual_seed(0)
    inputs = torch.randn(64, 4)
    data = TensorDataset(inputs, inputs.sum(1))
    net = Net()
    trainer = lightning.Trainer(
        max_epochs=4, logger=[CSVLogger(out, name="csv"), TensorBoardLogger(out, name="tensorboard")], callbacks=[LearningRateMonitor("step")],
        log_every_n_steps=2, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, accelerator="cpu", num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(net, DataLoader(data, batch_size=8, shuffle=True), DataLoader(data, batch_size=64))
    (Path(out) / "recorded.json").write_text(json.dumps({"train_loss": net.train_losses, "lr": net.lrs, "valid_loss": net.valid_losses}))


if __name__ == "__main__":
    main()
