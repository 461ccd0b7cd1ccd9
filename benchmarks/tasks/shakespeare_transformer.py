"""A causal transformer that predicts the next character of Shakespeare: AdamW, still falling at the end."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

CONTEXT, WIDTH, HEADS, LAYERS, N_CHARACTERS = 32, 48, 4, 1, 65
N_TRAIN, N_VALID, N_TEST = 8000, 500, 1000


class Transformer(nn.Module):
    """Characters in, logits of the next character out."""

    def __init__(self) -> None:
        super().__init__()
        self.characters, self.positions = nn.Embedding(N_CHARACTERS, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        options = {"dim_feedforward": 4 * WIDTH, "dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(WIDTH, HEADS, **options) for _ in range(LAYERS))
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, N_CHARACTERS))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:  # (batch, CONTEXT)
        """Logits, (batch, CONTEXT, N_CHARACTERS)."""
        x = self.characters(codes) + self.positions.weight
        for layer in self.layers:
            x = layer(x, src_mask=self.mask, is_causal=True)
        return self.head(x)


def loss(output: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy a character."""
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the characters that are predicted right."""
    return (output.argmax(dim=2) == target).float().mean()


def pieces(codes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """`count` pieces evenly spaced, and the same one character on; each (count, CONTEXT)."""
    windows = codes.unfold(0, CONTEXT + 1, 1)
    chosen = windows[torch.linspace(0, len(windows) - 1, count).long()]
    return chosen[:, :-1].contiguous(), chosen[:, 1:].contiguous()


def task() -> ts.Task:
    """The first 90 % of the text train, the next 5 % validate, the last 5 % test."""
    text = bytearray((Path(os.environ["TUNESMITH_DATA"]) / "text" / "tinyshakespeare.txt").read_bytes())
    codes = torch.frombuffer(text, dtype=torch.uint8).unique(return_inverse=True)[1]
    train, valid, test = codes.tensor_split([int(0.9 * len(codes)), int(0.95 * len(codes))])
    return ts.Task(
        model=Transformer,
        train=pieces(train, N_TRAIN),
        valid=pieces(valid, N_VALID),
        test=pieces(test, N_TEST),
        loss=loss,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=2,
        optimizer="adamw",
        current=ts.Settings(lr=1e-3, momentum=0.9, weight_decay=0.01, schedule="constant", batch_size=64),
    )
