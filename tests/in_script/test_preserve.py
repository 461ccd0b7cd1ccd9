"""No trace: whatever is done in the `with`, the training goes on bit for bit as one that had no probe."""

import copy
import math
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.in_script.small import OPTIMIZERS, Net, Training, finished, net, seed_everything
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import tunesmith as ts
from tunesmith.errors import InputError
from tunesmith.in_script.snapshot import Snapshot


def ruin(training: Training) -> None:
    training.train(3)


def ruin_weights(training: Training) -> None:
    for value in training.model.state_dict().values():
        value.zero_()
    for parameter in training.model.parameters():
        parameter.data = torch.full_like(parameter, math.nan)  # moved elsewhere


def ruin_gradients(training: Training) -> None:
    for index, parameter in enumerate(training.model.parameters()):
        if index % 3 == 0:
            parameter.grad = torch.ones_like(parameter)
        elif index % 3 == 1:
            parameter.grad = None
        elif parameter.grad is not None:
            parameter.grad.zero_()


def ruin_hooks(training: Training) -> None:
    training.model.register_forward_hook(lambda *_: None)
    training.model.body[0].weight.register_hook(lambda gradient: gradient * 0)
    training.model.body[4].weight.register_post_accumulate_grad_hook(lambda _: None)
    training.optimizer.register_step_pre_hook(lambda *_: None)


def ruin_modes(training: Training) -> None:
    training.model.eval()
    training.model.body[3].train()
    training.model.requires_grad_(requires_grad=False)
    training.model.frozen.requires_grad_(requires_grad=True)


def ruin_structure(training: Training) -> None:
    training.model.extra = nn.Linear(2, 2)
    training.model.another = 3
    del training.model.frozen
    training.model.half()


def ruin_optimizer(training: Training) -> None:
    training.optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))], "lr": 1.0})
    training.optimizer.param_groups[0]["params"].clear()
    training.optimizer.param_groups[0]["weight_decay"] = 7.0
    training.optimizer.state.clear()


def ruin_randomness(training: Training) -> None:
    seed_everything(99)
    training.model.generator.manual_seed(1)
    if training.loader.generator is not None:
        training.loader.generator.manual_seed(1)
    training.loader.dataset.own = np.random.default_rng(0)
    training.loader.dataset.plain.random()
    training.loader.dataset.old.rand(3)
    training.loader.dataset.reads = -1


RUINS = {name: value for name, value in globals().items() if name.startswith("ruin")}
ENDS: list[type[BaseException] | None] = [None, RuntimeError, KeyboardInterrupt, MemoryError, torch.OutOfMemoryError, SystemExit]


def scaler() -> torch.amp.GradScaler:
    return torch.amp.GradScaler("cpu", init_scale=2.0**30, growth_interval=2)


def leave(end: type[BaseException] | None) -> None:
    if end is not None:
        raise end("as if")


def around(training: Training, ruins: list[Callable[[Training], None]], end: type[BaseException] | None) -> None:
    """Ruin it in the `with`, and leave that as `end` says."""
    try:
        with ts.preserve(training.model, training.optimizer, scaler=training.scaler, loaders=(training.loader, training.valid_loader)):
            for one in ruins:
                one(training)
            leave(end)
    except BaseException as error:
        if end is None or not isinstance(error, end):
            raise


@settings(max_examples=60)
@given(
    kind=st.sampled_from(sorted(OPTIMIZERS)),
    has_own_generator=st.booleans(),
    has_scaler=st.booleans(),
    before=st.integers(0, 4),
    ruins=st.lists(st.sampled_from(sorted(RUINS)), min_size=1, max_size=3, unique=True),
    end=st.sampled_from(ENDS),
    clears=st.booleans(),
)
def test_everything_is_as_it_was_and_training_goes_on_bit_for_bit(
    *, kind: str, has_own_generator: bool, has_scaler: bool, before: int, ruins: list[str], end: type[BaseException] | None, clears: bool
) -> None:
    probed, plain = (Training(kind=kind, uses_own_generator=has_own_generator, scaler=scaler() if has_scaler else None) for _ in range(2))
    for training in (plain, probed):
        seed_everything(11)
        training.train(before)
        if clears:
            training.optimizer.zero_grad()
        if training is probed:
            found = training.bits()
            losses = list(training.losses)
            around(training, [RUINS[name] for name in sorted(ruins, key=list(RUINS).index)], end)  # training first, while it can
            training.losses = losses
            assert training.bits() == found
        training.train(5)
    assert finished(probed) == finished(plain)


def test_a_frozen_norm_and_odd_modes_stay_as_they_are() -> None:
    training = Training()
    training.model.eval()
    training.model.body[1].train()
    found = training.bits()
    around(training, [ruin], None)
    assert training.bits() == found


def test_hooks_that_were_there_work_afterwards() -> None:
    training = Training()
    weight, heard = training.model.body[0].weight, list[str]()
    weight.register_hook(lambda gradient: heard.append("gradient") or gradient)
    handle = training.model.register_forward_hook(lambda *_: heard.append("forward"))
    with ts.preserve(training.model, training.optimizer):
        handle.remove()
        weight._backward_hooks.clear()
    training.train(1)
    assert heard == ["forward", "gradient"]
    handle.remove()
    training.train(1)
    assert heard == ["forward", "gradient", "gradient"]


def test_tied_weights_stay_tied() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    before = copy.deepcopy(model.state_dict())
    with ts.preserve(model):
        model[0].weight.data.zero_()
        model[1].weight = nn.Parameter(torch.ones(3, 3))
    assert model[1].weight is model[0].weight
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_sparse_gradients_come_back() -> None:
    model = nn.Embedding(10, 4, sparse=True)
    model(torch.tensor([1, 2])).sum().backward()
    found = model.weight.grad
    assert found is not None
    dense = found.to_dense().clone()
    with ts.preserve(model):
        found.mul_(0)
        model.weight.grad = None
    assert model.weight.grad is found
    assert torch.equal(found.to_dense(), dense)


def test_an_optimizer_inside_another_comes_back() -> None:
    class Wrapped(torch.optim.Optimizer):
        def __init__(self, base: torch.optim.Optimizer) -> None:
            super().__init__(base.param_groups, {})
            self.base = base

    model = net()
    base = torch.optim.Adam(model.parameters())
    optimizer = Wrapped(base)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    base.step()
    found = copy.deepcopy(base.state_dict())
    with ts.preserve(model, optimizer):
        base.step()
    assert str(base.state_dict()) == str(found)


def test_a_scripted_network_comes_back() -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        model = torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)))
    before = copy.deepcopy(model.state_dict())
    with ts.preserve(model):
        model(torch.randn(4, 3))
        model.eval()
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_graph_that_waits_for_its_backward_still_can() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    loss = model(torch.ones(2, 3)).sum()
    with ts.preserve(model):
        nn.init.zeros_(model[1].weight.data)
    loss.backward()
    assert model[0].weight.grad.abs().sum() > 0


def test_gradients_and_autocast_are_switched_as_before() -> None:
    with ts.preserve(net()):
        torch.set_grad_enabled(False)
        torch.set_autocast_enabled("cpu", True)  # noqa: FBT003 (torch's own)
        torch.set_autocast_dtype("cpu", torch.float16)
    assert torch.is_grad_enabled()
    assert not torch.is_autocast_enabled("cpu")
    assert torch.get_autocast_dtype("cpu") is torch.bfloat16


def test_several_tries_in_one_with() -> None:
    training = Training()
    found = training.bits()
    with ts.preserve(training.model, training.optimizer, loaders=(training.loader, training.valid_loader)) as put_back:
        tries = []
        for _ in range(2):
            training.losses.clear()
            training.train(3)
            tries.append(list(training.losses))
            put_back()
            training.losses.clear()
            assert training.bits() == found
    assert tries[0] == tries[1]


def test_a_second_interrupt_on_the_way_back_does_not_stop_it() -> None:
    training = Training()

    class Impatient(dict):
        fired = False

        def clear(self) -> None:
            if not Impatient.fired:
                Impatient.fired = True
                raise KeyboardInterrupt
            super().clear()

    training.model.extra = Impatient()
    found = training.bits()
    with pytest.raises(KeyboardInterrupt), ts.preserve(training.model, training.optimizer, loaders=(training.loader, training.valid_loader)):
        training.train(2)
    assert Impatient.fired
    training.losses.clear()
    assert training.bits() == found


def test_one_copy_of_the_state_and_no_more() -> None:
    training = Training(kind="adamw, groups")
    training.train(2)
    model, optimizer = training.model, training.optimizer
    tensors = [*model.parameters(), *(p.grad for p in model.parameters() if p.grad is not None)]
    tensors += [value for state in optimizer.state.values() for value in state.values()]
    buffers = sum(1 if name == "mask" else value.numel() for name, value in model.named_buffers())  # one element, named six times
    whole = sum(tensor.nbytes for tensor in tensors)
    kept = Snapshot([model, optimizer]).kept_bytes
    assert whole + 4 * buffers <= kept <= whole + 8 * buffers  # counters are of 8 bytes


def test_a_distributed_sampler_keeps_its_epoch() -> None:
    data = TensorDataset(torch.arange(8.0))
    loader = DataLoader(data, 2, sampler=DistributedSampler(data, num_replicas=2, rank=0))
    loader.sampler.set_epoch(3)
    with ts.preserve(nn.Linear(1, 1), loaders=loader):
        loader.sampler.set_epoch(9)
    assert loader.sampler.epoch == 3


def test_a_generator_deep_in_a_transform_comes_back() -> None:
    class Crop:
        def __init__(self) -> None:
            self.rng = random.Random(0)

    class Pipeline:
        def __init__(self) -> None:
            self.transforms = [Crop(), Crop()]

    data = TensorDataset(torch.arange(8.0))
    data.transform = Pipeline()
    found = [crop.rng.getstate() for crop in data.transform.transforms]
    with ts.preserve(nn.Linear(1, 1), loaders=DataLoader(data)):
        data.transform.transforms[1].rng.random()
    assert [crop.rng.getstate() for crop in data.transform.transforms] == found


def test_persistent_workers_of_the_script_are_not_the_probes() -> None:
    loader = DataLoader(TensorDataset(torch.arange(8.0)), 4, num_workers=1, persistent_workers=True, multiprocessing_context="fork")
    first = [batch[0].tolist() for batch in loader]
    own = loader._iterator
    with ts.preserve(nn.Linear(1, 1), loaders=loader) as put_back:
        for _ in range(2):
            assert loader._iterator is None
            assert [batch[0].tolist() for batch in loader] == first
            assert loader._iterator is not own
            put_back()
    assert loader._iterator is own
    own._shutdown_workers()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("a net",), "model must be a torch.nn.Module"),
        (([nn.Linear(1, 1), 3],), "got int"),
        ((nn.Linear(1, 1), "sgd"), "optimizer must be a torch.optim.Optimizer"),
        ((nn.LazyLinear(3),), "a lazy one has none yet"),
    ],
)
def test_what_is_no_network_or_optimizer_is_said(arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(InputError, match=says), ts.preserve(*arguments):
        pass


def test_what_is_no_scaler_is_said() -> None:
    with pytest.raises(InputError, match=r"scaler must be a torch.amp.GradScaler"), ts.preserve(Net(), scaler=3):
        pass


def test_a_sweep_moves_gradients_out_of_the_way_instead_of_copying_them() -> None:
    """One extra copy of the state, no more: what the sweep clears anyway is not copied."""
    model = nn.Linear(64, 64)
    model(torch.randn(4, 64)).sum().backward()
    found = [(parameter, parameter.grad, parameter.grad.clone()) for parameter in model.parameters() if parameter.grad is not None]
    snapshot = Snapshot([model], moves_gradients=True)
    assert snapshot.kept_bytes == sum(parameter.nbytes for parameter in model.parameters())
    snapshot.set_gradients_aside()
    assert all(parameter.grad is None for parameter in model.parameters())
    model(torch.randn(4, 64)).sum().backward()
    snapshot.restore()
    for parameter, grad, bits in found:
        assert parameter.grad is grad
        assert torch.equal(grad, bits)


def test_a_gradient_in_a_bucket_is_copied_all_the_same() -> None:
    """Whoever holds the bucket can write into it while the weight has no gradient, as distributed training does."""
    model = nn.Linear(8, 8, bias=False)
    bucket = torch.ones(64)
    model.weight.grad = bucket.view(8, 8)
    snapshot = Snapshot([model], moves_gradients=True)
    snapshot.set_gradients_aside()
    bucket.zero_()
    snapshot.restore()
    assert model.weight.grad is not None
    assert model.weight.grad.eq(1).all()
