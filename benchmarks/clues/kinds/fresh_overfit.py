"""Fresh runs that learn what does not carry over: by heart, from too little, from elsewhere; and validation sets that punish certainty."""

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.fresh_beds import coast, fresh_order, spirals
from benchmarks.clues.kind import Order
from benchmarks.clues.kinds.labels import shuffled


def _beginning(bed: Bed, count: int, *, seed: int) -> Part:
    (x, y), _ = bed.data()
    return x[seed * count : (seed + 1) * count], y[seed * count : (seed + 1) * count]


def memorised_labels(bed: Bed, seed: int) -> Order:
    """256 examples (words: 64 windows) whose labels are dealt at random, a constant rate: training falls, validation can only rise.

    Overfitting; that decay is missing is another word for it that no curve can refute.
    """
    x, y = _beginning(bed, 256 if bed.name != "words_gru" else 64, seed=seed)
    task = bed.task(train=(x, shuffled(y, share=1.0, seed=seed)))
    return fresh_order(bed, task=task, settings=bed.settings(lr=bed.lr / 2, schedule="constant", batch_size=32), seed=seed, share=1.5, since=(0.0, 0.4))


def two_labels_in_five(bed: Bed, seed: int) -> Order:
    """Two labels in five of 600 are wrong, half a cosine, no decay: the rule first, then the noise by heart."""
    x, y = _beginning(bed, 600 if bed.name != "words_gru" else 150, seed=seed)
    task = bed.task(train=(x, shuffled(y, share=0.4, seed=seed)))
    settings = bed.settings(lr=bed.lr / 2, schedule="cosine", batch_size=32)
    return fresh_order(bed, task=task, settings=settings, seed=seed, share=2.0, since=(0.0, 0.7), least_evaluations=24)


def few_examples_no_decay(bed: Bed, seed: int) -> Order:
    """120 examples (words: 50 windows), right labels, no decay, many passes: learned by heart, where decay would have ended lower.

    Accuracy (of the likelihood: the absolute error) hardly suffers, so a disagreement is right too.
    """
    x, y = _beginning(bed, 120 if bed.name != "words_gru" else 50, seed=seed)
    settings = bed.settings(lr=bed.lr / 2, schedule="constant", batch_size=16)
    return fresh_order(bed, task=bed.task(train=(x, y)), settings=settings, seed=seed, since=(0.0, 0.6), least_evaluations=24)


def too_many_passes(bed: Bed, seed: int) -> Order:
    """An eighth of the examples, three times the updates, a constant rate: the loss passes its minimum early and rises slowly.

    Accuracy hardly falls where a network only grows too sure, so a disagreement of the two is right too.
    """
    (x, y), _ = bed.data()
    n = len(x) // 8
    settings = bed.settings(lr=bed.lr / 2, schedule="constant", batch_size=32)
    return fresh_order(bed, task=bed.task(train=(x[:n], y[:n])), settings=settings, seed=seed, share=3.0, since=(0.0, 0.6), least_evaluations=24)


def _south_north() -> tuple[Part, Part]:
    """Trained on the south of California, validated in the north."""
    (x, y), (x_valid, y_valid) = coast()
    x, y = torch.cat([x, x_valid]), torch.cat([y, y_valid])
    rank = x[:, 1].argsort()
    south, north = rank[:3400], rank[-1500:]
    return (x[south], y[south]), (x[north], y[north])


def other_validation(bed: Bed, seed: int) -> Order:
    """Training and validation are of two distributions: images whose colours are swapped and dimmed, numbers whose signs are turned, blocks of another region.

    What training learns is wrong in validation, more so the longer it goes on. From the curves that is overfitting, lack of decay included; where
    accuracy gains all the same, a disagreement.
    """
    (x, y), (x_valid, y_valid) = bed.data()
    if bed.name == "cifar_resnet":
        x_valid = -x_valid.flip(1) * 0.7
    elif bed.name == "mnist_dropout":
        x_valid = x_valid.view(-1, 28, 28).transpose(1, 2).flip(2).flatten(1)  # turned by a quarter
    elif bed.name == "taught_rms":
        x_valid = torch.cat([-x_valid[:, :8], x_valid[:, 8:]], dim=1)
    else:
        (x, y), (x_valid, y_valid) = _south_north()
    task = bed.task(train=(x, y), valid=(x_valid, y_valid))
    return fresh_order(bed, task=task, settings=bed.settings(schedule="constant", lr=bed.lr / 2), seed=seed, since=(0.0, 0.6), least_evaluations=24)


def _moons() -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(31)
    y = torch.arange(1600) % 2
    angle = torch.pi * torch.rand(1600, generator=random)
    x = torch.stack([angle.cos() + y, angle.sin() * (1 - 2 * y) + 0.3 * y], dim=1) + 0.08 * torch.randn(1600, 2, generator=random)
    return (x[:800], y[:800]), (x[800:], y[800:])


def _moon_model(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.ELU(), nn.Linear(width, width), nn.ELU(), nn.Linear(width, 2))


_MOON: dict[str, Any] = {"half": "fresh", "width": 32, "low_lr": 0.003, "edge_lr": 1.0}
CERTAIN = (
    Bed(name="moons_adam", data=_moons, model=_moon_model, classes=2, lr=0.01, optimizer="adam", batch_size=64, steps=600, **_MOON),
    Bed(name="arms_nesterov", data=spirals, classes=3, lr=0.3, optimizer="nesterov", batch_size=100, steps=900,
        model=lambda width: nn.Sequential(nn.Linear(2, 2 * width), nn.Tanh(), nn.Linear(2 * width, width), nn.Tanh(), nn.Linear(width, 3)), **_MOON),
)  # fmt: skip


def certain_and_wrong(bed: Bed, seed: int) -> Order:
    """Training is clean and can be told apart; one in sixteen labels of the validation set is wrong.

    Accuracy climbs to .94 and stays; their loss grows with the network's certainty, a constant rate letting it grow. From the loss alone: overfitting.
    """
    _, (x, y) = bed.data()
    wrong = y.clone()
    wrong[seed::16] = (wrong[seed::16] + 1) % bed.classes
    settings = bed.settings(schedule="constant", lr=bed.lr / 2)
    return fresh_order(bed, task=bed.task(valid=(x, wrong)), settings=settings, seed=seed, share=1.5, since=(0.0, 0.7), least_evaluations=24)


def more_data_later(bed: Bed, seed: int) -> Order:
    """Until .4 of the run there are but a hundred examples (words: 60 windows), then all.

    The loss turns up while the training loss falls, and comes down to a lower end. The rate is constant to .6 and falls to zero from there.
    """
    (x, y), _ = bed.data()
    n_few, updates = (100 if x.is_floating_point() else 60), itertools.count()

    def draw(batch_size: int, generator: torch.Generator) -> Iterator[Part]:
        for chosen in torch.randperm(len(x), generator=generator).split(batch_size):
            drawn = n_few * seed + torch.randint(n_few, (batch_size,), generator=generator) if next(updates) < switch else chosen
            yield x[drawn], y[drawn]

    def shape(step: int, total_steps: int) -> float:
        return min(1.0, (total_steps - step) / total_steps / 0.4)

    task = bed.task(train=draw, examples_per_epoch=len(x), schedule=shape)
    settings = bed.settings(lr=bed.lr / (8 if bed.name == "taught_rms" else 2), schedule="task")
    ordered = fresh_order(bed, task=task, settings=settings, seed=seed, since=(0.0, 0.45), least_evaluations=24, share=1.5)
    switch = round(0.4 * ordered.spec.total_steps)
    return ordered
