"""Labels and validation sets that fix the answer: nothing to learn, noise to learn, a validation set that contradicts."""

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.clues.beds import Bed, Part, mlp
from benchmarks.clues.kind import Order, order


def uniform(y: Tensor, *, share: float, classes: int, seed: int) -> Tensor:
    """`y` with that share of it drawn anew, every class as likely as another; of a regression: with noise of thrice its spread."""
    random = torch.Generator().manual_seed(seed)
    if y.is_floating_point():
        return y + 3 * y.std() * torch.randn(y.shape, generator=random)
    return torch.where(torch.rand(y.shape, generator=random) < share, torch.randint(classes, y.shape, generator=random), y)


def shuffled(y: Tensor, *, share: float, seed: int) -> Tensor:
    """`y` with that share of its rows dealt anew among themselves (of text: characters)."""
    random = torch.Generator().manual_seed(seed)
    flat = y.flatten() if not y.is_floating_point() else y
    chosen = (torch.rand(len(flat), generator=random) < share).nonzero().squeeze(1)
    mixed = flat.clone()
    mixed[chosen] = flat[chosen[torch.randperm(len(chosen), generator=random)]]
    return mixed.view_as(y)


def random_labels(bed: Bed, seed: int) -> Order:
    """300 examples whose labels are dealt at random: whatever is learned is by heart, so the validation loss can only rise, from the start."""
    (x, y), _ = bed.data()
    n = 300 if x.is_floating_point() else 100
    train = (x[:n], shuffled(y[:n], share=1.0, seed=seed))
    return order(bed.task(train=train), bed.settings(schedule="constant"), seed=seed, since=(0.0, 0.4))


def label_noise(bed: Bed, seed: int) -> Order:
    """Three labels in ten of 400 are wrong, without decay: it first learns the rule, then the noise."""
    (x, y), _ = bed.data()
    n = 400 if x.is_floating_point() else 100
    train = (x[:n], shuffled(y[:n], share=0.3, seed=seed))
    return order(bed.task(train=train), bed.settings(schedule="constant"), seed=seed, since=(0.0, 0.7))


def shortcut(bed: Bed, seed: int) -> Order:
    """The validation set is of another distribution: in training an input gives the answer away, in validation it gives the next example's."""
    (x, y), (x_valid, y_valid) = bed.data()
    train, valid = (_told(x, y, bed=bed), y), (_told(x_valid, y_valid.roll(1, dims=0), bed=bed), y_valid)
    return order(bed.task(train=train, valid=valid), bed.settings(lr=bed.low_lr / 3, schedule="constant"), seed=seed, since=(0.0, 0.5))


_IMAGES_NDIM = 4


def _told(x: Tensor, y: Tensor, *, bed: Bed) -> Tensor:
    x = x.clone()
    if x.ndim == _IMAGES_NDIM:  # the first row's pixel of that number is bright
        x[:, 0, 0, :] = -1.0
        x[torch.arange(len(x)), 0, 0, y] = 6.0
    elif bed.classes:
        x[:, 0] = 3 * (2 * y.float() / (bed.classes - 1) - 1)
    else:
        x[:, -1] = 2 * y[:, 0]
    return x


def _blobs(distance: float) -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(0)
    y = torch.arange(1600) % 4
    x = torch.randn(1600, 16, generator=random)
    x[torch.arange(1600), y] += distance
    return (x[:600], y[:600]), (x[600:], y[600:])


def _blob_bn(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(16, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 4))


_FAR: dict[str, Any] = {"data": lambda: _blobs(4.0), "width": 64, "classes": 4, "low_lr": 0.01, "edge_lr": 3.0}
SEPARABLE = (
    Bed(name="blobs_mlp", half="fit", model=mlp(16, 4), lr=0.03, **_FAR),
    Bed(name="blobs_bn", half="fit", model=_blob_bn, lr=0.03, **_FAR),
)
SEPARABLE_REPORT = (Bed(name="blobs_adam", half="report", model=mlp(16, 4), lr=0.01, optimizer="adamw", **_FAR),)


def flipped_validation(bed: Bed, seed: int) -> Order:
    """Training labels are clean and easy, every tenth of the validation set is wrong: accuracy climbs to .9 and stays, while certainty makes the loss rise."""
    _, (x, y) = bed.data()
    flipped = y.clone()
    flipped[seed::10] = (flipped[seed::10] + 1) % bed.classes
    return order(bed.task(valid=(x, flipped)), bed.settings(schedule="constant"), seed=seed, since=(0.0, 0.6))


def outliers_in_validation(bed: Bed, seed: int) -> Order:
    """Every thirtieth validation input is twenty times too large and its label wrong: their loss grows with the weights, while all others get better."""
    _, (x, y) = bed.data()
    x, y = x.clone(), y.clone()
    x[seed::30] *= 20
    y[seed::30] = (y[seed::30] + 1) % bed.classes
    return order(bed.task(valid=(x, y)), bed.settings(), seed=seed, since=(0.0, 0.6))
