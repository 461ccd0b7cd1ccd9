"""Every sentence of the check: what does not hold, and whose fault it is."""

import itertools
import math

import pytest
import torch
from tests.engine.small import INPUTS, N_TRAIN, TARGETS, TRAIN, VALID, Pairs, global_rng, make_task, plain_net, rich_net
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from tunesmith.engine import check_task
from tunesmith.errors import InputError, TaskError, UserCodeError
from tunesmith.settings import Settings
from tunesmith.task import Metric

BROKEN = TRAIN[0].clone()
BROKEN[7, 3] = math.nan
BROKEN[9] = math.inf


def frozen_net() -> nn.Module:
    return plain_net().requires_grad_(requires_grad=False)


class Forgetful(nn.Module):
    """Holds its layer in a list, where torch does not find it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(12, 3)]

    def forward(self, x: Tensor) -> Tensor:
        return self.layers[0](x)


class Detached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(12, 3), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x).detach() + 0 * self.free(x)

    def free(self, x: Tensor) -> Tensor:
        return torch.ones(len(x), 3, requires_grad=True)


class RootNet(nn.Module):
    """The gradient of a square root at zero is infinite."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 3)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).abs().sqrt()


class Strict(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != 5:
            raise RuntimeError(f"five columns, please, and not {x.shape[1]}")
        return self.layer(x)


class TestSoundTasks:
    def test_what_is_learnt(self) -> None:
        checked = check_task(make_task(model=rich_net))
        assert checked.n_valid == 60
        assert checked.n_parameters == 12 * 16 + 16 + 16 + 16 + 16 * 3 + 3
        assert checked.n_weight_layers == 2
        assert checked.has_batch_norm
        assert 0.5 < checked.initial_loss < 2
        assert (checked.trained_examples, checked.evaluated_examples) == (32, 32)

    @pytest.mark.parametrize("model", [plain_net, lambda: nn.Sequential(nn.BatchNorm1d(12, track_running_stats=False), nn.Linear(12, 3))])
    def test_networks_without_statistics(self, model: object) -> None:
        assert not check_task(make_task(model=model)).has_batch_norm

    def test_nothing_is_left_behind(self) -> None:
        before = global_rng()
        check_task(make_task(model=rich_net, train=Pairs(noise=0.1)))
        assert global_rng() == before

    def test_a_small_set_is_a_small_batch(self) -> None:
        checked = check_task(make_task(train=(INPUTS[:5], TARGETS[:5]), valid=(INPUTS[:4], TARGETS[:4])))
        assert (checked.trained_examples, checked.evaluated_examples) == (5, 4)

    @pytest.mark.parametrize("precision", ["bf16", "fp16"])
    def test_narrow_types(self, precision: str) -> None:
        assert math.isfinite(check_task(make_task(precision=precision)).initial_loss)

    def test_a_loss_over_micro_batches(self) -> None:
        assert check_task(make_task(micro_batch_size=8)).trained_examples == 32


class TestFingerprints:
    @pytest.mark.parametrize(
        "changes",
        [
            {"model": rich_net},
            {"train": (TRAIN[0] + 1, TRAIN[1])},
            {"valid": (VALID[0][:50], VALID[1][:50])},
            {"epochs": 6},
            {"optimizer": "adam"},
            {"goal": "accuracy"},
            {"current": Settings(lr=0.5)},
            {"clip_grad_norm": 1.0},
            {"ema": 0.9},
        ],
    )
    def test_another_task_has_another(self, changes: dict[str, object]) -> None:
        assert check_task(make_task(**changes)).fingerprint != check_task(make_task()).fingerprint

    def test_the_same_task_has_the_same_however_its_data_come(self) -> None:
        expected = check_task(make_task()).fingerprint
        assert check_task(make_task()).fingerprint == expected
        assert check_task(make_task(train=Pairs(), valid=TensorDataset(*VALID))).fingerprint == expected


def ignored_size(size: int, _generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    return [(INPUTS[: size + 1], TARGETS[: size + 1])]


def no_batches(_size: int, _generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    return []


def loss_of_each(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output, target, reduction="none")


def loss_as_number(output: Tensor, target: Tensor) -> float:
    return F.cross_entropy(output, target).item()


def loss_without_gradient(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output, target).detach()


def loss_of_nan(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output, target) * math.nan


def groups_of_others(_model: nn.Module) -> list[dict[str, object]]:
    return [{"params": [nn.Parameter(torch.ones(1))]}]


def broken_metric(_output: Tensor, _target: Tensor) -> float:
    return 1 / 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"model": lambda: "net"}, r"Task\.model must return a torch\.nn\.Module, got str"),
            ({"model": frozen_net}, "parameters that require gradients, and Sequential has none"),
            ({"model": Forgetful}, "parameters that require gradients, and Forgetful has none"),
            ({"train": (BROKEN, TRAIN[1])}, r"Task\.train must be finite, and 2 of 200 examples hold NaN"),
            ({"valid": TensorDataset(BROKEN, TRAIN[1])}, r"Task\.valid must be finite, and 2 of 200"),
            ({"test": (TRAIN[0], BROKEN[:, 3])}, r"Task\.test must be finite, and 2 of 200"),
            ({"loss": loss_of_each}, r"must be a scalar tensor with a gradient, got a tensor of shape \(32,\)"),
            ({"loss": loss_as_number}, "with a gradient, got float"),
            ({"loss": loss_without_gradient}, "got one without a gradient"),
            ({"loss": loss_of_nan}, r"loss of the first batch must be finite, got nan\. The batch is finite"),
            ({"model": Detached}, "At least one parameter must get a gradient, and none did"),
            ({"model": RootNet}, r"Gradients of the first batch must be finite, and that of layer\.weight is not"),
            ({"param_groups": groups_of_others}, "must use the parameters of the network that they are given"),
            ({"schedule": lambda _step, _total: 7.0}, r"Task\.schedule must return a factor in \[0, 1\], got 7\.0"),
            ({"metrics": {"speed": Metric(None, higher_is_better=True)}}, r"Every metric must come out of the evaluation, and \['speed'\] did not"),
            ({"train": (TRAIN[0], TRAIN[1].float())}, "torch refused it with RuntimeError"),
            ({"train": (TRAIN[0][:, :5], TRAIN[1])}, "torch refused it with RuntimeError"),
            ({"valid": no_batches}, "must yield at least one batch, and yielded none"),
            ({"train": ignored_size, "examples_per_epoch": N_TRAIN}, "batches of that size, got one of 33"),
        ],
    )
    def test_a_task_that_cannot_be_trained(self, changes: dict[str, object], message: str) -> None:
        with pytest.raises(InputError, match=message):  # exit code 2: a sentence, no traceback
            check_task(make_task(**changes))

    def test_different_weights_under_one_seed(self) -> None:
        calls = itertools.count()

        def model() -> nn.Module:
            net = plain_net()
            nn.init.constant_(net[0].bias, next(calls))
            return net

        with pytest.raises(TaskError, match="must give the same weights under one torch seed"):
            check_task(make_task(model=model))

    def test_nan_in_the_first_batch_of_a_dataset(self) -> None:
        class Holes(Pairs):
            def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
                return super().__getitem__(index)[0] * math.nan, TRAIN[1][index]

        with pytest.raises(TaskError, match="The batch itself holds NaN or infinity"):
            check_task(make_task(train=Holes()))
        with pytest.raises(TaskError, match="validation loss before training must be finite, got nan"):
            check_task(make_task(valid=Holes()))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"model": Strict}, "RuntimeError: five columns, please, and not 12"),
            ({"model": lambda: {}["net"]}, "KeyError: 'net'"),
            ({"metrics": {"half": Metric(broken_metric, higher_is_better=True)}}, "ZeroDivisionError: division by zero"),
            ({"loss": lambda output, target: F.cross_entropy(output, target.nonexistent)}, "AttributeError: 'Tensor' object has no attribute"),
        ],
    )  # fmt: skip
    def test_the_users_own_code_that_raises(self, changes: dict[str, object], message: str) -> None:
        with pytest.raises(UserCodeError, match=message) as caught:
            check_task(make_task(**changes))
        assert not isinstance(caught.value, InputError)  # exit code 3: with its traceback
        assert caught.value.__cause__ is not None


def test_a_batch_maker_is_asked_for_what_goes_through_at_once() -> None:
    """It may give batches of no other size, and 32 is ours."""
    asked: list[int] = []

    def batches(size: int, _generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        asked.append(size)
        return [(TRAIN[0][:40], TRAIN[1][:40])]

    checked = check_task(make_task(train=batches, examples_per_epoch=N_TRAIN, micro_batch_size=40))
    assert checked.trained_examples == 40
    assert set(asked) == {40}
