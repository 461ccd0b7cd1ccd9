"""Fine-tuning with AdamW: the demo's network, trained on the digits 0 to 4, goes on with 5 to 9; 40 epochs."""

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tunesmith as ts
from tunesmith import demo_task

HALF = 5


def new_model() -> nn.Module:
    """The demo's network with five outputs."""
    model = demo_task.make_model()
    model[-1] = nn.Linear(model[-1].in_features, HALF)
    return model


def half(data: tuple[Tensor, ...], *, is_lower: bool) -> tuple[Tensor, Tensor]:
    """The digits below five or the others, labels from 0."""
    inputs, targets = data
    kept = (targets < HALF) == is_lower
    return inputs[kept], targets[kept] % HALF


@functools.cache
def pretrained() -> dict[str, Tensor]:
    """Weights after 15 epochs on the lower digits."""
    inputs, targets = half(demo_task.task().train, is_lower=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = new_model()
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
        for _ in range(15):
            for chosen in torch.randperm(len(inputs)).split(64):
                optimizer.zero_grad()
                F.cross_entropy(model(inputs[chosen]), targets[chosen]).backward()
                optimizer.step()
    return {name: value for name, value in model.state_dict().items() if not name.startswith(str(len(model) - 1))}


def make_model() -> nn.Module:
    """The pretrained network with a fresh last layer."""
    model = new_model()
    model.load_state_dict(pretrained(), strict=False)
    return model


def task() -> ts.Task:
    """The upper digits."""
    demo = demo_task.task()
    return ts.Task(
        model=make_model,
        train=half(demo.train, is_lower=False),
        valid=half(demo.valid, is_lower=False),
        test=half(demo.test, is_lower=False),
        loss=F.cross_entropy,
        metrics=demo.metrics,
        epochs=40,
        optimizer="adamw",
        current=ts.Settings(lr=1e-3, momentum=0.9, weight_decay=0.01, schedule="constant", batch_size=64),
    )
