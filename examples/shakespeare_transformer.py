"""A small causal transformer that predicts the next character of Shakespeare: batches from a maker, steps of its own, AdamW.

    export TUNESMITH_DATA=/path/to/data        # a folder with text/tinyshakespeare.txt, see examples/README.md
    tunesmith tune examples/shakespeare_transformer.py:task --out runs/shakespeare

The first 90 % of the text are for training, the next 5 % for validation, the last 5 % for the test.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

CONTEXT, WIDTH, HEADS, LAYERS, N_CHARACTERS = 32, 48, 4, 2, 65


class Transformer(nn.Module):
    """Characters in, logits of the next character out; 64,481 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.characters, self.positions = nn.Embedding(N_CHARACTERS, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        options = {"dim_feedforward": 4 * WIDTH, "dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(WIDTH, HEADS, **options) for _ in range(LAYERS))
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, N_CHARACTERS))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:  # (batch, CONTEXT)
        """Logits, (batch, CONTEXT, N_CHARACTERS)."""
        x = self.characters(codes) + self.positions.weight  # (batch, CONTEXT, WIDTH)
        for layer in self.layers:
            x = layer(x, src_mask=self.mask, is_causal=True)
        return self.head(x)


def pieces(codes: Tensor, *, is_random: bool) -> Callable[[int, torch.Generator], Iterator[tuple[Tensor, Tensor]]]:
    """A maker of one pass in batches (characters, next characters): at random places for training, end to end for evaluation."""
    windows = codes.unfold(0, CONTEXT + 1, 1)  # (places, CONTEXT + 1), a view

    def batches(batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        in_order = torch.arange(0, len(windows), CONTEXT)
        places = torch.randint(len(windows), in_order.shape, generator=generator) if is_random else in_order
        for chosen in places.split(batch_size):
            yield windows[chosen, :-1], windows[chosen, 1:]

    return batches


def training_step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean cross-entropy a character."""
    return F.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten())


def evaluation_step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, tuple[Tensor, int]]:
    """Sums over characters, and how many they are."""
    logits, target = model(batch[0]).flatten(0, 1), batch[1].flatten()
    right = (logits.argmax(dim=1) == target).sum()
    return {"loss": (F.cross_entropy(logits, target, reduction="sum"), target.numel()), "accuracy": (right, target.numel())}


def task() -> ts.Task:
    """The training."""
    if not os.environ.get("TUNESMITH_DATA"):
        raise ts.InputError("TUNESMITH_DATA must name the folder that holds text/tinyshakespeare.txt, and it is unset: export TUNESMITH_DATA=FOLDER.")
    text = bytearray((Path(os.environ["TUNESMITH_DATA"]) / "text" / "tinyshakespeare.txt").read_bytes())
    codes = torch.frombuffer(text, dtype=torch.uint8).unique(return_inverse=True)[1]  # 0 to 64, in the order of ASCII
    train, valid, test = codes.tensor_split([int(0.9 * len(codes)), int(0.95 * len(codes))])
    return ts.Task(
        model=Transformer, train=pieces(train, is_random=True), valid=pieces(valid, is_random=False), test=pieces(test, is_random=False),
        examples_per_epoch=len(train) // CONTEXT,
        training_step=training_step, evaluation_step=evaluation_step, metrics={"accuracy": ts.Metric(None, higher_is_better=True)},
        steps=400,  # at the batch size below
        optimizer="adamw",
        current=ts.Settings(lr=1e-3, momentum=0.9, weight_decay=0.01, schedule="constant", batch_size=64),  # untuned: what one starts with
    )  # fmt: skip
