"""Gradient samples: what they hold, that they leave no trace in their run, and that noise scales read from them are those that a whole data set gives."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator

import pytest
import torch
from tests.engine.small import TRAIN, Pairs, global_rng, make_spec, make_task, plain_net, rich_net
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.curve import Curve, GradientSample, RunOutcome
from tunesmith.data import load_digits
from tunesmith.engine import run_spec
from tunesmith.errors import TaskError, UserCodeError
from tunesmith.reading.noise_scale import NoiseScale, read_noise_scale
from tunesmith.settings import Settings
from tunesmith.task import Task


def samples_of(task: Task, **changes: object) -> tuple[GradientSample, ...]:
    return run_spec(task, make_spec(**{"gradient_points": 3, **changes})).curve.gradients


def without_samples(curve: Curve) -> dict[str, object]:
    return dataclasses.replace(curve, gradients=(), cost=type(curve.cost)()).to_dict()  # type: ignore[return-value]


class CountingNet(nn.Module):
    """With every kind of trace: statistics, random draws, a buffer that is replaced, a buffer that is used twice, a parameter that does not learn."""

    def __init__(self) -> None:
        super().__init__()
        self.net = rich_net()
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)
        self.unused = nn.Parameter(torch.ones(3))
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("noise", torch.zeros(3))
        self.net.register_buffer("shared", self.noise)

    def forward(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        self.noise += torch.rand(3)
        return self.net(x) * self.frozen + 0.01 * self.calls + 0.01 * self.net.shared


def batches_without_end(batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(TRAIN[0]), generator=generator)
    for chosen in order.split(batch_size):
        yield TRAIN[0][chosen] + 0.1 * torch.randn(len(chosen), 12), TRAIN[1][chosen]


class TestTraces:
    @pytest.mark.parametrize(
        "changes",
        [
            {"train": TRAIN},
            {"train": Pairs(noise=0.1)},
            {"train": Pairs(noise=0.1), "num_workers": 1},
            {"train": batches_without_end, "examples_per_epoch": 200},
            {"optimizer": "adamw", "clip_grad_norm": 0.3, "ema": 0.9},
            {"precision": "bf16"},
            {"precision": "fp16"},
            {"micro_batch_size": 10},
        ],
    )
    def test_a_run_with_samples_is_bit_for_bit_the_run_without(self, changes: dict[str, object]) -> None:
        task = make_task(model=CountingNet, **changes)
        without, sampled = (
            run_spec(task, make_spec(evaluations=2, reestimates_norm=True, evaluates_test=True, keeps_weights=True, gradient_points=points))
            for points in (0, 7)
        )
        assert without_samples(sampled.curve) == without_samples(without.curve)
        assert len(sampled.curve.gradients) == 2 * 7
        assert sampled.weights is not None
        assert without.weights is not None
        assert set(sampled.weights) > {"calls", "noise", "net.shared", "net.1.running_mean"}
        assert all(torch.equal(sampled.weights[name], value) for name, value in without.weights.items())

    @pytest.mark.parametrize("raised", [ValueError("boom"), KeyboardInterrupt()])
    def test_the_global_generators_come_back_also_where_a_sample_breaks(self, raised: BaseException) -> None:
        calls = itertools.count()

        def loss(output: Tensor, target: Tensor) -> Tensor:
            if next(calls) == 12:  # of the second sample's micro-batches
                raise raised
            return F.cross_entropy(output, target)

        before = global_rng()
        with pytest.raises((UserCodeError, KeyboardInterrupt)):
            samples_of(make_task(model=rich_net, loss=loss), gradient_points=19)
        assert global_rng() == before


class TestContent:
    def test_moments_lie_as_those_of_evaluations_do(self) -> None:
        curve = run_spec(make_task(), make_spec(evaluations=3, gradient_points=3)).curve
        assert [sample.step for sample in curve.gradients] == [5, 5, 10, 10, 15, 15]
        assert curve.eval_step == (5, 10, 15, 20)

    def test_more_moments_than_updates_are_one_an_update(self) -> None:
        assert [sample.step for sample in samples_of(make_task(), total_steps=3, gradient_points=9)] == [1, 1, 2, 2, 3, 3]

    def test_they_cost_what_training_on_them_would(self) -> None:
        curve = run_spec(make_task(), make_spec(gradient_points=3, gradient_micro_batches=4, gradient_micro_batch_size=5)).curve
        assert curve.cost.trained_examples == 20 * 32 + 3 * 2 * 4 * 5

    def test_none_is_taken_once_a_run_is_lost(self) -> None:
        curve = run_spec(make_task(), make_spec(settings=Settings(lr=1e4, momentum=0.9, batch_size=32), total_steps=100, gradient_points=99)).curve
        assert curve.outcome is RunOutcome.DIVERGED
        assert curve.gradients[-1].step == len(curve.train_loss) - 1

    def test_they_are_drawn_without_replacement_and_anew_each_time(self) -> None:
        seen: list[list[int]] = []

        def step(model: nn.Module, batch: tuple[Tensor]) -> Tensor:
            if len(batch[0]) == 5:
                seen.append(batch[0].tolist())
            return model(torch.ones(1, 1)).sum()

        task = make_task(
            model=lambda: nn.Linear(1, 1), train=(torch.arange(50),), valid=(torch.arange(1),), test=None, loss=None, metrics={}, training_step=step
        )
        samples = samples_of(task, settings=Settings(batch_size=7), gradient_points=1, gradient_micro_batches=12, gradient_micro_batch_size=5)
        assert [sample.n_micro_batches for sample in samples] == [10, 10]  # the data have no more
        first, second = seen[:10], seen[10:]
        assert sorted(itertools.chain(*first)) == sorted(itertools.chain(*second)) == list(range(50))
        assert first != second

    @pytest.mark.parametrize("changes", [{}, {"clip_grad_norm": 1e-3}, {"precision": "fp16"}, {"train": Pairs()}, {"micro_batch_size": 20}])
    def test_they_are_the_true_lengths_at_the_weights_of_that_moment(self, changes: dict[str, object]) -> None:
        """Micro-batches that together are the whole set: the gradient of their mean is that of all examples."""
        task, settings = make_task(**changes), Settings(lr=0.1, batch_size=32, schedule="constant")
        sample, _ = samples_of(task, settings=settings, total_steps=40, gradient_points=1, gradient_micro_batches=10, gradient_micro_batch_size=20)
        weights = run_spec(task, make_spec(settings=settings, total_steps=sample.step, keeps_weights=True)).weights
        network = plain_net()
        assert weights is not None
        network.load_state_dict(weights)
        F.cross_entropy(network(TRAIN[0]), TRAIN[1]).backward()
        whole = sum(float((parameter.grad**2).sum()) for parameter in network.parameters() if parameter.grad is not None)
        assert sample.step == 20
        assert sample.square_of_mean == pytest.approx(whole, rel=0.02 if "precision" in changes else 1e-4)
        assert sample.mean_square > sample.square_of_mean

    def test_gradients_too_large_for_fp16_are_taken_down_as_such(self) -> None:
        calls = itertools.count()

        def loss(output: Tensor, target: Tensor) -> Tensor:
            return F.cross_entropy(output, target) * (1e30 if next(calls) == 7 else 1.0)

        samples = samples_of(make_task(precision="fp16", loss=loss))
        assert [math.isfinite(sample.mean_square) for sample in samples] == [False, *[True] * 5]

    def test_a_network_that_learns_nothing_has_none(self) -> None:
        def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
            return 0 * model(batch[0]).sum()

        assert [sample.mean_square for sample in samples_of(make_task(loss=None, metrics={}, training_step=step))] == [0.0] * 6

    def test_sparse_gradients_count(self) -> None:
        def net(*, sparse: bool) -> nn.Module:
            return nn.Sequential(nn.EmbeddingBag(50, 3, sparse=sparse))

        data = (torch.arange(50).repeat(2).reshape(50, 2), torch.arange(50) % 3)
        found = [
            samples_of(
                make_task(model=lambda sparse=sparse: net(sparse=sparse), train=data, valid=data, test=None), settings=Settings(momentum=0.0, batch_size=8)
            )
            for sparse in (False, True)
        ]
        assert [sample.mean_square for sample in found[1]] == pytest.approx([sample.mean_square for sample in found[0]])

    def test_data_without_two_micro_batches_are_refused(self) -> None:
        assert samples_of(make_task(), gradient_micro_batch_size=100)[0].n_micro_batches == 2
        with pytest.raises(TaskError, match="at most half the training set, got 101 and 200 examples"):
            samples_of(make_task(), gradient_micro_batch_size=101)

    def test_a_maker_goes_on_with_its_pass(self) -> None:
        made: list[int] = []

        def maker(batch_size: int, _: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            made.append(batch_size)
            yield from zip(TRAIN[0].split(batch_size), TRAIN[1].split(batch_size), strict=True)

        samples = samples_of(make_task(train=maker, examples_per_epoch=200), gradient_micro_batches=3, gradient_micro_batch_size=10)
        assert made.count(10) == 1
        assert len({sample.mean_square for sample in samples}) == 6

    def test_micro_batches_are_no_larger_than_what_the_task_lets_through_at_once(self) -> None:
        assert {sample.micro_batch_size for sample in samples_of(make_task(micro_batch_size=10))} == {10}


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_on_an_accelerator_they_are_those_of_the_cpu_and_its_generator_comes_back(precision: str) -> None:
    before = torch.cuda.get_rng_state()
    task, spec = make_task(precision=precision), make_spec(gradient_points=3)
    here, there = (run_spec(task, spec, device=device).curve.gradients for device in ("cpu", "cuda"))
    assert [sample.mean_square for sample in there] == pytest.approx([sample.mean_square for sample in here], rel=0.01 if precision == "fp32" else 0.1)
    assert torch.equal(torch.cuda.get_rng_state(), before)


CURVATURE = torch.linspace(0.5, 2.0, 20)
STILL = Settings(lr=1e-30, momentum=0.0, batch_size=1)
"""Moves no weight, so that every sample is of the same moment."""


class Point(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(20))


def half_squared_distance(model: nn.Module, batch: tuple[Tensor]) -> Tensor:
    return (CURVATURE * (model.weights - batch[0]) ** 2).sum(dim=1).mean() / 2


def quadratic(*, n: int, noise_scale: float) -> Task:
    """The gradient of example i is h(w - cᵢ): at w = 0 its noise is that of h·c. The centres are moved so that its mean makes the noise scale what is asked."""
    centres = torch.randn(n, 20, generator=torch.Generator().manual_seed(0))
    trace = (CURVATURE * centres).var(dim=0, correction=0).sum()
    centres += (trace / noise_scale / 20).sqrt() / CURVATURE - centres.mean(dim=0)
    return make_task(model=Point, train=(centres,), valid=(centres,), test=None, loss=None, metrics={}, training_step=half_squared_distance)


def read_at_rest(task: Task, *, samples: int) -> NoiseScale:
    points = samples // 2
    curve = run_spec(task, make_spec(settings=STILL, total_steps=points + 1, stops_when_diverged=False, gradient_points=points)).curve
    assert len(curve.gradients) == samples
    return read_noise_scale(curve.gradients, n_train=task.n_train, total_steps=points + 1, after_share=0)


class Rows(nn.Module):
    """An image read row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 24, batch_first=True)
        self.head = nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


def small_mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def small_cnn() -> nn.Module:
    body = (nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 2), nn.ReLU())
    return nn.Sequential(nn.Unflatten(1, (1, 8)), *body, nn.Flatten(), nn.Linear(64, 10))


def digits() -> tuple[Tensor, Tensor]:
    images, labels = load_digits()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:1000]
    return torch.from_numpy(images).float()[order] / 16, torch.from_numpy(labels).long()[order]


def noise_scale_example_by_example(model: nn.Module, data: tuple[Tensor, Tensor]) -> float:
    total, squares = torch.zeros(()), 0.0
    for image, label in zip(*(part.split(1) for part in data), strict=True):
        gradient = torch.cat([part.flatten() for part in torch.autograd.grad(F.cross_entropy(model(image), label), list(model.parameters()))]).double()
        total, squares = total + gradient, squares + float(gradient @ gradient)
    mean, n = total / len(data[0]), len(data[0])
    return squares / n / float(mean @ mean) - 1


@pytest.mark.slow
class TestNoiseScale:
    @pytest.mark.parametrize(("n", "noise_scale", "samples"), [(5000, 50.0, 400), (200, 50.0, 200), (200, 500.0, 1500)])
    def test_of_a_quadratic_it_is_the_known_one(self, n: int, noise_scale: float, samples: int) -> None:
        """By 20 seeds of shorter runs the estimate's standard deviation is about 2 %: more than 10 % off is chance less than once in 100,000.

        In the last row |G|² is less than half of what drawing without replacement takes away.
        """
        found = read_at_rest(quadratic(n=n, noise_scale=noise_scale), samples=samples)
        assert found.value == pytest.approx(noise_scale, rel=0.1)

    @pytest.mark.parametrize("updates", [30, 200, 800])
    @pytest.mark.parametrize(("net", "lr"), [(small_mlp, 0.1), (small_cnn, 0.1), (Rows, 0.3)])
    def test_of_a_network_it_is_within_a_factor_of_two_of_that_of_all_examples_one_by_one(self, net: Callable[[], nn.Module], lr: float, updates: int) -> None:
        """Over 6 seeds of each of these 9, 30 samples were off by factors from .78 to 1.57."""
        data = digits()
        settings = Settings(lr=lr, batch_size=32, schedule="constant")
        weights = run_spec(
            make_task(model=net, train=data, valid=data, test=None), make_spec(settings=settings, total_steps=updates, keeps_weights=True)
        ).weights

        def trained() -> nn.Module:
            model = net()
            model.load_state_dict(weights or {})
            return model

        found = read_at_rest(make_task(model=trained, train=data, valid=data, test=None), samples=30)
        assert found.value is not None
        assert 0.5 < found.value / noise_scale_example_by_example(trained(), data) < 2
