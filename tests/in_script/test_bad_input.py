"""Bad input: one sentence that says what must hold, what was given and what to do; and everything is as it was."""

import itertools
import math
from collections.abc import Iterator

import pytest
import torch
from tests.in_script.small import INPUTS, N_TRAIN, SWEEP, TARGETS, Net, Training, net
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import tunesmith as ts
from tunesmith.engine.seeds import seed_globals
from tunesmith.errors import InputError

PAIRS = [(INPUTS[:8], TARGETS[:8])] * 4
EMPTY: list[tuple[Tensor, Tensor]] = []


class Nothing(IterableDataset):
    def __iter__(self) -> Iterator[Tensor]:
        return iter(())


class Changing:
    """A validation set that is another one at every pass, whatever is put back."""

    passes = itertools.count()

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        shift = next(Changing.passes)
        return iter([(INPUTS[:8] + shift, TARGETS[:8])])


class Short:
    """A stream that does not say its length."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(PAIRS[:3])


class Vanishing:
    """One that gives something at its first pass alone."""

    def __init__(self) -> None:
        self.once = iter(PAIRS)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(list(self.once))


def strangers(_: Net) -> torch.optim.Optimizer:
    return torch.optim.SGD(net().parameters(), lr=0.1)


def closure(model: Net) -> torch.optim.Optimizer:
    return torch.optim.LBFGS(model.parameters())


def frozen(model: Net) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.frozen.parameters(), lr=0.1)


def all_zero(model: Net) -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": model.body[0].parameters()}, {"params": model.body[4].parameters()}], lr=0.0)


CASES: dict[str, tuple[dict[str, object], str]] = {
    "start above end": ({"start_lr": 1.0, "end_lr": 0.5}, r"0 ≤ start_lr < end_lr.*got start_lr=1.0 and end_lr=0.5. Swap"),
    "start at end": ({"start_lr": 0.5, "end_lr": 0.5}, "start_lr < end_lr"),
    "start below zero": ({"start_lr": -1.0}, "0 ≤ start_lr"),
    "end not a number": ({"end_lr": math.nan}, "start_lr < end_lr"),
    "end without end": ({"end_lr": math.inf}, "both finite"),
    "exponential from zero": ({"spacing": "exponential"}, "must have start_lr > 0, got 0"),
    "unknown spacing": ({"spacing": "cosine"}, "'linear' or 'exponential', got 'cosine'"),
    "too few steps": ({"steps": 5}, "at least 20 steps to be read, got 5. Raise steps"),
    "accumulate": ({"accumulate": 0}, "accumulate must be a whole number ≥ 1, got 0"),
    "repeats": ({"repeats": 0}, "repeats must be a whole number ≥ 1, got 0"),
    "evaluations": ({"evaluations": 0}, "evaluations must be a whole number ≥ 1, got 0"),
    "share": ({"valid_share": 0.0}, "valid_share must be finite and > 0"),
    "clip": ({"clip_grad_norm": 0.0}, "clip_grad_norm must be > 0"),
    "precision": ({"precision": "fp8"}, "precision must be 'fp32', 'bf16' or 'fp16', got 'fp8'"),
    "two losses": ({"training_step": lambda model, _: model}, "exactly one of loss and training_step"),
    "no loss": ({"loss": None}, "exactly one of loss and training_step"),
    "no network": ({"model": "net"}, r"model must be a torch.nn.Module, got str"),
    "no optimizer": ({"optimizer": 0.1}, r"optimizer must be a torch.optim.Optimizer.*got float"),
    "no optimizers": ({"optimizer": []}, "must have an optimizer"),
    "scaler": ({"scaler": 1.0}, "scaler must be a torch.amp.GradScaler, got float"),
    "another network's optimizer": ({"optimizer": strangers}, r"8 of its 8 are not the model's. Make the optimizer from model.parameters\(\)"),
    "an optimizer with a closure": ({"optimizer": closure}, "without a closure, and LBFGS needs one"),
    "nothing to train": ({"optimizer": frozen}, "must require a gradient, and none does"),
    "no ratios": ({"optimizer": all_zero}, r"must have lr > 0.*all are 0"),
    "no loader": ({"train_loader": 3}, "train_loader must be a DataLoader or another iterable of batches, got int"),
    "empty list": ({"train_loader": EMPTY}, "train_loader must yield at least one batch"),
    "empty loader": ({"train_loader": DataLoader(TensorDataset(INPUTS[:3], TARGETS[:3]), 8, drop_last=True)}, "its length is 0. Look at .* drop_last"),
    "empty stream": ({"train_loader": DataLoader(Nothing())}, "train_loader must yield at least one batch, and yielded none"),
    "generator": ({"train_loader": lambda: (pair for pair in PAIRS)}, "this one was used up after 4 batches. Pass a DataLoader, a list"),
    "one iterator twice": ({"train_loader": Vanishing}, "this one was used up after 4 batches"),
    "shorter than an update": ({"train_loader": PAIRS, "accumulate": 5}, "got 4 with accumulate=5. Lower accumulate"),
    "a stream shorter than an update": ({"train_loader": Short, "accumulate": 5}, "got 3 with accumulate=5"),
    "no pair": ({"train_loader": [{"x": INPUTS[:8]}]}, "a batch must be a pair"),
    "empty validation": ({"valid_loader": EMPTY}, "valid_loader must yield at least one batch"),
    "empty validation stream": ({"valid_loader": DataLoader(Nothing())}, "valid_loader must yield at least one batch"),
    "validation from a generator": ({"valid_loader": lambda: (pair for pair in PAIRS)}, "a generator can be read only once"),
    "validation that changes": ({"valid_loader": Changing}, "must give the same examples at every pass, and a later one gave other examples"),
    "validation that vanishes": ({"valid_loader": Vanishing}, "must give the same examples at every pass, and a later one gave no batch at all"),
    "an evaluation step's answer": (
        {"valid_loader": PAIRS, "evaluation_step": lambda *_: 3.0}, "^evaluation_step must return {'loss': \\(sum, count\\), …}, got float"
    ),
    "a loss for each example": (
        {"loss": lambda output, target: F.cross_entropy(output, target, reduction="none")}, r"scalar tensor with a gradient, got a tensor of shape \(16,\)"
    ),
    "a loss that is a number": ({"loss": lambda output, target: F.cross_entropy(output, target).item()}, "got a float. Return the mean"),
    "a loss that is cut off": ({"loss": lambda output, target: F.cross_entropy(output, target).detach()}, "got one without a gradient"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_one_sentence_and_nothing_has_happened(name: str) -> None:
    changes, says = CASES[name]
    seed_globals(0, torch.device("cpu"))  # weights and augmentation: a sweep that is lost at once evaluates once, and cannot see that a validation set changes
    training = Training()
    torch.manual_seed(1)
    training.train(2)
    found = training.bits()
    arguments: dict[str, object] = {
        "model": training.model, "optimizer": training.optimizer, "loss": F.cross_entropy, "train_loader": training.loader, **SWEEP, **changes
    }  # fmt: skip
    for made in ("train_loader", "valid_loader"):
        if callable(arguments.get(made)):
            arguments[made] = arguments[made]()
    maker = changes.get("optimizer")
    if callable(maker):
        arguments["optimizer"] = maker(training.model)
    with pytest.raises(InputError, match=says) as raised:
        ts.lr_range_test(**arguments)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")
    assert training.bits() == found


def test_what_the_scripts_own_code_raises_comes_through_as_it_is() -> None:
    training = Training()
    found = training.bits()
    error = LookupError("mine")

    def loss(_output: Tensor, _target: Tensor) -> Tensor:
        raise error

    with pytest.raises(LookupError) as raised:
        ts.lr_range_test(training.model, training.optimizer, loss, training.loader, **SWEEP)
    assert raised.value is error
    assert training.bits() == found


def test_a_part_of_the_network_may_be_trained() -> None:
    model = net()
    optimizer = torch.optim.SGD(model.body[4].parameters(), lr=0.1)
    result = ts.lr_range_test(model, optimizer, F.cross_entropy, [(INPUTS[:N_TRAIN], TARGETS[:N_TRAIN])], **SWEEP)
    assert len(result.history.lr) == SWEEP["steps"]
