"""Is it a word of Shakespeare's, or one with its letters shuffled? A transformer over letters, 4 epochs of 5,000. AdamW."""

import os
import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts

SHORTEST, LONGEST, N_LETTERS, WIDTH, HEADS, LAYERS = 5, 10, 26, 32, 4, 2
N_TRAIN, N_VALID, N_TEST = 5000, 1000, 3000


class Classifier(nn.Module):
    """Letters in, logits of "shuffled" and "a word" out."""

    def __init__(self) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(N_LETTERS + 1, WIDTH), nn.Embedding(LONGEST, WIDTH)
        options = {"dim_feedforward": 2 * WIDTH, "dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(WIDTH, HEADS, **options) for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 2)

    def forward(self, codes: Tensor) -> Tensor:  # (batch, LONGEST), 0 after the last letter
        """Logits, (batch, 2), of the mean over places; the empty ones have a letter of their own."""
        x = self.letters(codes) + self.places.weight
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x).mean(dim=1))


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of the batch that is classified right."""
    return (output.argmax(dim=1) == target).float().mean()


def shuffled(word: str, rng: np.random.Generator) -> str:
    """The same letters in another order."""
    found = word
    while found == word:
        found = "".join(rng.permutation(list(word)))
    return found


def task() -> ts.Task:
    """Every word once, in an order that is shuffled once and for all; every second one has its letters shuffled."""
    text = (Path(os.environ["TUNESMITH_DATA"]) / "text" / "tinyshakespeare.txt").read_text(encoding="ascii").lower()
    words = sorted({word for word in re.findall("[a-z]+", text) if SHORTEST <= len(word) <= LONGEST})
    rng = np.random.default_rng(0)
    words = rng.permutation(words)[: N_TRAIN + N_VALID + N_TEST].tolist()
    spelled = [word if i % 2 else shuffled(word, rng) for i, word in enumerate(words)]
    x = torch.tensor([[ord(letter) - ord("a") + 1 for letter in word] + [0] * (LONGEST - len(word)) for word in spelled])
    y = torch.arange(len(words)) % 2
    train, valid, test = slice(0, N_TRAIN), slice(N_TRAIN, N_TRAIN + N_VALID), slice(N_TRAIN + N_VALID, None)
    return ts.Task(
        model=Classifier,
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        loss=F.cross_entropy,
        metrics={"accuracy": ts.Metric(accuracy, higher_is_better=True)},
        epochs=4,
        optimizer="adamw",
        current=ts.Settings(lr=3e-4, momentum=0.9, weight_decay=0.01, schedule="constant", batch_size=32),
    )
