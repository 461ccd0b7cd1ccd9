"""The loop, against a plain one written by hand, and what a run must leave alone."""

import itertools
import math
from collections.abc import Callable, Iterator

import pytest
import torch
from tests.engine.small import SETTINGS, TRAIN, Pairs, global_rng, make_spec, make_task, plain_net, rich_net, train_losses
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.curve import RunOutcome
from tunesmith.engine import run_spec
from tunesmith.engine.seeds import child_seed
from tunesmith.errors import TaskError, UserCodeError
from tunesmith.schedules import lr_schedule, momentum_schedule
from tunesmith.settings import RunKind, Settings
from tunesmith.task import Task


def train_by_hand(settings: Settings, *, optimizer_name: str, steps: int, seed: int, clip: float | None) -> tuple[list[float], dict[str, Tensor]]:
    """The twin: what the documentation says of a run, in plain torch."""
    with torch.random.fork_rng():
        torch.manual_seed(child_seed(seed, "init"))
        model = rich_net()
        torch.manual_seed(child_seed(seed, "rest"))
        norm = model[1]
        groups = [
            {"params": [model[0].weight, model[4].weight], "weight_decay": settings.weight_decay},
            {"params": [model[0].bias, norm.weight, norm.bias, model[4].bias], "weight_decay": 0.0},
        ]
        if optimizer_name == "sgd":
            optimizer = torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum)
        else:
            optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=(settings.momentum, 0.999))
        lr, momentum = lr_schedule(settings, total_steps=steps), momentum_schedule(settings, total_steps=steps)
        generator = torch.Generator().manual_seed(child_seed(seed, "order"))
        epochs = math.ceil(steps * settings.batch_size / len(TRAIN[0]))
        order = torch.cat([torch.randperm(len(TRAIN[0]), generator=generator) for _ in range(epochs)])
        losses = []
        for step in range(steps):
            chosen = order[step * settings.batch_size : (step + 1) * settings.batch_size]
            for group in optimizer.param_groups:
                group["lr"] = lr(step)
                if "momentum" in group:
                    group["momentum"] = momentum(step)
                else:
                    group["betas"] = (momentum(step), 0.999)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(TRAIN[0][chosen]), TRAIN[1][chosen])
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            losses.append(loss.item())
    return losses, model.state_dict()


class TestTwin:
    @pytest.mark.parametrize(
        ("optimizer_name", "settings", "clip"),
        [
            ("sgd", SETTINGS, None),
            ("sgd", SETTINGS, 0.3),
            ("sgd", Settings(lr=0.2, momentum=0.0, batch_size=7, schedule="cosine"), None),
            ("adamw", Settings(lr=0.01, momentum=0.95, min_momentum=0.85, weight_decay=0.1, batch_size=50), None),
        ],
    )
    def test_a_run_is_bit_for_bit_a_plain_loop(self, optimizer_name: str, settings: Settings, clip: float | None) -> None:
        result = run_spec(
            make_task(model=rich_net, optimizer=optimizer_name, clip_grad_norm=clip),
            make_spec(settings=settings, total_steps=30, evaluations=2, reestimates_norm=True, keeps_weights=True),
        )
        losses, weights = train_by_hand(settings, optimizer_name=optimizer_name, steps=30, seed=3, clip=clip)
        assert list(result.curve.train_loss) == losses
        assert result.weights is not None
        assert all(torch.equal(result.weights[name], value) for name, value in weights.items())

    def test_its_rows_hold_the_schedules(self) -> None:
        curve = run_spec(make_task(), make_spec()).curve
        assert curve.lr == tuple(map(lr_schedule(SETTINGS, total_steps=20), range(20)))
        assert curve.momentum == tuple(map(momentum_schedule(SETTINGS, total_steps=20), range(20)))

    @pytest.mark.parametrize(("kind", "middle"), [(RunKind.LINEAR_RAMP, 0.505), (RunKind.EXPONENTIAL_RAMP, 0.1)])
    def test_a_ramp_goes_from_start_to_end_while_momentum_falls(self, kind: RunKind, middle: float) -> None:
        settings = Settings(lr=1.0, min_lr=0.01, momentum=0.95, min_momentum=0.85, batch_size=32)
        curve = run_spec(make_task(), make_spec(settings=settings, kind=kind, total_steps=21, stops_when_diverged=False)).curve
        assert (curve.lr[0], curve.lr[-1]) == (0.01, 1.0)
        assert curve.lr[10] == pytest.approx(middle)
        assert (curve.momentum[0], curve.momentum[-1]) == (0.95, 0.85)


class TestSameness:
    def test_the_same_spec_gives_the_same_bits(self) -> None:
        task, spec = make_task(model=rich_net), make_spec(evaluations=2, reestimates_norm=True, evaluates_test=True, keeps_weights=True)
        one, other = run_spec(task, spec), run_spec(task, spec)
        assert {**one.curve.to_dict(), "cost": None} == {**other.curve.to_dict(), "cost": None}
        assert one.weights is not None
        assert other.weights is not None
        assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)

    def test_bits_do_not_depend_on_the_state_of_the_global_generators(self) -> None:
        task = make_task(model=rich_net, train=Pairs(noise=0.1))
        before = train_losses(task)
        torch.rand(7)
        assert train_losses(task) == before

    def test_another_seed_gives_other_bits(self) -> None:
        assert train_losses(make_task()) != train_losses(make_task(), seed=4)

    def test_two_batch_sizes_see_the_same_stream_of_examples(self) -> None:
        def seen_at(batch_size: int, micro: int | None) -> list[int]:
            seen: list[int] = []

            def step(model: nn.Module, batch: tuple[Tensor]) -> Tensor:
                seen.extend(batch[0].tolist())
                return model(torch.ones(1, 1)).sum()

            task = make_task(
                model=lambda: nn.Linear(1, 1), train=(torch.arange(50),), valid=(torch.arange(1),), test=None,
                loss=None, metrics={}, training_step=step, micro_batch_size=micro,
            )  # fmt: skip
            run_spec(task, make_spec(settings=Settings(batch_size=batch_size, lr=1e-9), total_steps=60 // batch_size))
            return seen[:60]  # the last ones are the validation set's

        assert seen_at(6, None) == seen_at(20, None) == seen_at(20, 7)

    def test_micro_batches_train_as_the_whole_batch_does(self) -> None:
        whole, parts = train_losses(make_task()), train_losses(make_task(micro_batch_size=10))
        assert parts == pytest.approx(whole, abs=1e-6)
        assert parts != whole  # or the test would not have tested anything


class TestTraces:
    def test_a_run_leaves_the_global_generators_alone(self) -> None:
        before = global_rng()
        run_spec(make_task(model=rich_net, train=Pairs(noise=0.1)), make_spec(evaluations=3, reestimates_norm=True))
        assert global_rng() == before

    @pytest.mark.parametrize(("raised", "expected"), [(ValueError("boom"), UserCodeError), (KeyboardInterrupt(), KeyboardInterrupt)])
    def test_so_does_one_that_breaks_or_is_interrupted(self, raised: BaseException, expected: type[BaseException]) -> None:
        calls = itertools.count()

        def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
            torch.rand(3)
            if next(calls) == 3:
                raise raised
            return F.cross_entropy(model(batch[0]), batch[1])

        before, threads = global_rng(), torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            with pytest.raises(expected):
                run_spec(make_task(loss=None, metrics={}, training_step=step), make_spec())
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(threads)
        assert global_rng() == before

    def test_threads_are_pinned_and_put_back(self) -> None:
        inside = []

        def loss(output: Tensor, target: Tensor) -> Tensor:
            inside.append(torch.get_num_threads())
            return F.cross_entropy(output, target)

        threads = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            result = run_spec(make_task(loss=loss), make_spec(total_steps=1))
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(threads)
        assert set(inside) == {1}
        assert result.threads == 1

    @pytest.mark.parametrize("train", [TRAIN, Pairs(noise=0.1)])
    def test_evaluations_do_not_change_the_training(self, train: object) -> None:
        task = make_task(model=rich_net, train=train)
        without = train_losses(task)
        assert train_losses(task, evaluations=9) == without
        assert train_losses(task, evaluations=9, reestimates_norm=True, valid_examples=20, evaluates_test=True) == without

    def test_the_users_own_network_is_not_touched(self) -> None:
        mine = plain_net()
        before = {name: value.clone() for name, value in mine.state_dict().items()}
        run_spec(make_task(), make_spec())
        assert all(torch.equal(value, before[name]) for name, value in mine.state_dict().items())


class TestOutcomes:
    def test_a_finished_run(self) -> None:
        result = run_spec(make_task(), make_spec(evaluations=4, evaluates_test=True))
        assert result.curve.outcome is RunOutcome.FINISHED
        assert result.curve.eval_step == (4, 8, 12, 16, 20)
        assert len(result.curve.valid_loss) == len(result.curve.metrics["accuracy"]) == 5
        assert set(result.curve.test) == {"loss", "accuracy"}
        assert result.weights is None

    def test_more_evaluations_than_updates_are_one_an_update(self) -> None:
        assert run_spec(make_task(), make_spec(total_steps=3, evaluations=9)).curve.eval_step == (1, 2, 3)

    def test_a_loss_that_is_not_finite_ends_the_run(self) -> None:
        calls = itertools.count()

        def loss(output: Tensor, target: Tensor) -> Tensor:
            return F.cross_entropy(output, target) * (math.nan if next(calls) == 5 else 1.0)

        curve = run_spec(make_task(loss=loss), make_spec(stops_when_diverged=False, evaluates_test=True)).curve
        assert curve.outcome is RunOutcome.NOT_FINITE
        assert len(curve.train_loss) == len(curve.lr) == 6
        assert math.isnan(curve.train_loss[-1])
        assert (curve.valid_loss, curve.test, curve.final_valid_loss) == ((), {}, math.inf)

    def test_a_loss_that_rises_far_ends_the_run(self) -> None:
        wild = Settings(lr=1e4, momentum=0.9, batch_size=32)
        curve = run_spec(make_task(), make_spec(settings=wild, total_steps=100, evaluates_test=True)).curve
        assert curve.outcome is RunOutcome.DIVERGED
        assert len(curve.train_loss) < 100
        assert curve.test == {}

    def test_unless_the_spec_goes_on(self) -> None:
        steep = Settings(lr=1.0, momentum=0.9, batch_size=8, schedule="constant")
        stopped, on = (run_spec(quadratic(4.0), make_spec(settings=steep, total_steps=40, stops_when_diverged=stops)).curve for stops in (True, False))
        assert (stopped.outcome, on.outcome) == (RunOutcome.DIVERGED, RunOutcome.FINISHED)
        assert len(stopped.train_loss) < len(on.train_loss) == 40
        assert on.train_loss[: len(stopped.train_loss)] == stopped.train_loss

    def test_negative_losses_are_nothing_to_worry_about(self) -> None:
        task = make_task(loss=lambda output, target: F.cross_entropy(output, target) - 100.0)
        curve = run_spec(task, make_spec(total_steps=60)).curve
        assert curve.outcome is RunOutcome.FINISHED
        assert curve.train_loss[-1] < 0

    def test_costs_count_every_example(self) -> None:
        curve = run_spec(make_task(model=rich_net), make_spec(evaluations=2, valid_examples=20, reestimates_norm=True, evaluates_test=True)).curve
        assert curve.cost.trained_examples == 20 * 32
        assert curve.cost.evaluated_examples == 3 * (20 + 200) + 40
        assert curve.cost.seconds > 0

    def test_statistics_cost_nothing_where_there_are_none(self) -> None:
        assert run_spec(make_task(), make_spec(reestimates_norm=True)).curve.cost.evaluated_examples == 60

    def test_weights_are_a_state_dict_of_their_own(self) -> None:
        result = run_spec(make_task(model=rich_net), make_spec(keeps_weights=True))
        assert result.weights is not None
        rich_net().load_state_dict(result.weights)
        assert not any(value.requires_grad for value in result.weights.values())


class TestProgress:
    def test_it_is_told_rarely_and_at_the_end(self) -> None:
        heard: list[tuple[int, float]] = []
        curve = run_spec(make_task(), make_spec(total_steps=100), on_step=lambda step, examples: heard.append((step, examples))).curve
        assert heard[-1] == (100, curve.cost.full_trainings(full_training_examples=1))
        assert [step for step, _ in heard] == sorted(step for step, _ in heard)
        assert {step for step, _ in heard} >= {16, 32, 96}

    def test_what_it_raises_ends_the_run(self) -> None:
        def interrupt(_step: int, _examples: float) -> None:
            raise KeyboardInterrupt

        before = global_rng()
        with pytest.raises(KeyboardInterrupt):
            run_spec(make_task(), make_spec(), on_step=interrupt)
        assert global_rng() == before


def quadratic(curvature: float, **changes: object) -> Task:
    """One weight that starts at 1, and the loss `curvature`/2 · weight²."""

    class One(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1, 1))

    return make_task(
        model=One, train=(torch.zeros(8, 1),), valid=(torch.zeros(8, 1),), test=None, loss=None, metrics={},
        training_step=lambda model, _batch: curvature / 2 * model.weight.square().sum(), **changes,
    )  # fmt: skip


class TestTruth:
    """On a quadratic of curvature h the largest stable learning rate is known (METHOD, section 2.3)."""

    @pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.97])
    @pytest.mark.parametrize(
        ("optimizer", "limit"),
        [("sgd", lambda m, h: 2 * (1 + m) / h), ("nesterov", lambda m, h: 2 * (1 + m) / ((1 + 2 * m) * h))],
    )
    @pytest.mark.parametrize("decay", [0.0, 1.5])
    def test_a_run_diverges_beyond_the_limit_and_not_before(
        self, optimizer: str, limit: Callable[[float, float], float], momentum: float, decay: float
    ) -> None:
        curvature = 4.0
        for share, outcome in ((0.9, RunOutcome.FINISHED), (1.05, RunOutcome.DIVERGED)):
            lr = share * limit(momentum, curvature + decay)
            settings = Settings(lr=lr, momentum=momentum, weight_decay=decay, schedule="constant", batch_size=8)
            curve = run_spec(quadratic(curvature, optimizer=optimizer), make_spec(settings=settings, total_steps=600)).curve
            assert curve.outcome is outcome
            if outcome is RunOutcome.FINISHED:
                assert curve.final_valid_loss < 1e-3 * curve.train_loss[0]


class TestRefusals:
    def test_a_batch_larger_than_the_data(self) -> None:
        with pytest.raises(TaskError, match="no larger than the training set: got batch_size 201 and 200"):
            run_spec(make_task(), make_spec(settings=Settings(batch_size=201)))

    def test_what_torch_refuses_is_a_sentence_with_the_settings(self) -> None:
        task = make_task(train=(TRAIN[0], TRAIN[1].float()))
        with pytest.raises(TaskError, match=r"torch refused it with RuntimeError.*batch_size=32.*seed 3\)") as caught:
            run_spec(task, make_spec())
        assert isinstance(caught.value.__cause__, RuntimeError)

    def test_code_of_the_users_that_raises(self) -> None:
        def loss(_output: Tensor, _target: Tensor) -> Tensor:
            raise ZeroDivisionError("by design")

        with pytest.raises(UserCodeError, match=r"The task's own code raised ZeroDivisionError: by design \(settings") as caught:
            run_spec(make_task(loss=loss), make_spec())
        assert isinstance(caught.value.__cause__, ZeroDivisionError)

    def test_a_network_without_parameters(self) -> None:
        with pytest.raises(TaskError, match="parameters that require gradients"):
            run_spec(make_task(model=nn.Identity, optimizer="sgd"), make_spec())

    def test_data_that_end(self) -> None:
        passes = iter([1, 2])

        def maker(batch_size: int, _generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            for _ in passes:  # the second call finds nothing left
                yield TRAIN[0][:batch_size], TRAIN[1][:batch_size]

        with pytest.raises(TaskError, match="must yield at least one batch at every call, and yielded none"):
            run_spec(make_task(train=maker, examples_per_epoch=64), make_spec())
