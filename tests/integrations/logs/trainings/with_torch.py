"""Train in a plain loop that writes event files with torch's SummaryWriter; `recorded.json` is what it was given."""

import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter


def main() -> None:
    """Train 200 steps at a rate that is far too high from step 150 on."""
    out = Path(sys.argv[1])
    torch.manual_seed(0)
    inputs = torch.randn(64, 4)
    targets = inputs.sum(1)
    net = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    given: dict[str, list[list[float]]] = {"Loss/train": [], "Loss/val": [], "lr": []}
    with SummaryWriter(str(out / "runs")) as writer:

        def log(tag: str, value: float, step: int) -> None:
            writer.add_scalar(tag, value, step)
            given[tag].append([step, value])

        for step in range(200):
            lr = 0.05 if step < 150 else 50.0
            optimizer.param_groups[0]["lr"] = lr
            loss = nn.functional.mse_loss(net(inputs[16:]).squeeze(-1), targets[16:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            log("Loss/train", float(loss), step)
            log("lr", lr, step)
            if step % 20 == 19:
                with torch.no_grad():
                    log("Loss/val", float(nn.functional.mse_loss(net(inputs[:16]).squeeze(-1), targets[:16])), step)
    (out / "recorded.json").write_text(json.dumps(given))


if __name__ == "__main__":
    main()
