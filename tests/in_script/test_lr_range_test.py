"""The range test inside a script: what it records, beside a loop written by hand."""

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tests.in_script.small import (
    BATCH,
    BATCHES,
    INPUTS,
    N_TRAIN,
    N_VALID,
    SWEEP,
    TARGETS,
    TRAIN,
    VALID,
    Noisy,
    Stream,
    Training,
    net,
    plain_net,
    seed_everything,
    sgd,
    sweep,
)
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Subset

import tunesmith as ts
from tunesmith.curve import RunOutcome
from tunesmith.reading.range_test import RangeOutcome

ROOT = Path(__file__).parents[2]
ENDS = [RuntimeError, KeyboardInterrupt, torch.OutOfMemoryError, SystemExit, ValueError]


class TestSweep:
    def by_hand(self, *, steps: int, clip: float | None, seed: int) -> tuple[list[float], list[float]]:
        """The twin: a range test as one writes it in plain torch."""
        training = Training(kind="momentum, groups", uses_own_generator=False)
        seed_everything(seed)
        rates, losses, batches = [], [], iter(training.loader)
        training.model.train()
        for step in range(steps):
            rates.append(2.0 * step / (steps - 1))
            training.optimizer.param_groups[0]["lr"] = 0.1 * rates[-1]
            training.optimizer.param_groups[1]["lr"] = rates[-1]
            try:
                inputs, targets = next(batches)
            except StopIteration:
                batches = iter(training.loader)
                inputs, targets = next(batches)
            training.optimizer.zero_grad()
            loss = F.cross_entropy(training.model(inputs), targets)
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_([p for group in training.optimizer.param_groups for p in group["params"]], clip)
            training.optimizer.step()
            losses.append(loss.item())
        return rates, losses

    @pytest.mark.parametrize("clip", [None, 0.1])
    @pytest.mark.parametrize("validates", [False, True])
    def test_it_is_the_loop_that_one_writes_by_hand_and_validation_does_not_change_it(self, clip: float | None, *, validates: bool) -> None:
        rates, losses = self.by_hand(steps=24, clip=clip, seed=3)
        training = Training(kind="momentum, groups", uses_own_generator=False)
        seed_everything(3)
        valid = training.valid_loader if validates else None
        result = ts.lr_range_test(
            training.model, training.optimizer, F.cross_entropy, training.loader, valid, clip_grad_norm=clip, stops_when_diverged=False, **SWEEP
        )
        assert list(result.history.train_loss) == losses
        assert list(result.history.lr) == pytest.approx(rates, abs=1e-15)
        assert bool(result.history.valid_loss) is validates

    def test_exponential_rates(self) -> None:
        result = sweep(spacing="exponential", start_lr=1e-4, end_lr=1e-1, steps=31)
        assert result.history.lr[::10] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
        assert all("linear" not in finding.evidence for finding in result.findings)

    def test_groups_keep_their_ratios_and_the_largest_leads(self) -> None:
        model = plain_net()
        optimizer = torch.optim.SGD([{"params": model[0].parameters(), "lr": 0.01}, {"params": model[2].parameters(), "lr": 0.1}])
        seen = []
        optimizer.register_step_pre_hook(lambda opt, *_: seen.append([group["lr"] for group in opt.param_groups]))
        result = sweep(model=model, optimizer=optimizer, start_lr=0.01)
        assert [pair[1] for pair in seen] == pytest.approx(result.history.lr)
        assert [pair[0] for pair in seen] == pytest.approx([0.1 * lr for lr in result.history.lr])

    def test_two_optimizers_are_both_stepped_with_one_ratio(self) -> None:
        model = plain_net()
        one, other = torch.optim.SGD(model[0].parameters(), lr=0.4), torch.optim.AdamW(model[2].parameters(), lr=0.1)
        weights = [parameter.detach().clone() for parameter in model.parameters()]
        seen: list[tuple[float, float, bool]] = []

        def step(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
            moved = all(not torch.equal(now, then) for now, then in zip(net.parameters(), weights, strict=True))
            seen.append((one.param_groups[0]["lr"], other.param_groups[0]["lr"], moved))
            return F.cross_entropy(net(batch[0]), batch[1])

        result = sweep(model=model, optimizer=[one, other], loss=None, training_step=step, start_lr=0.01)
        assert [first for first, _, _ in seen] == pytest.approx(result.history.lr)
        assert [second for _, second, _ in seen] == pytest.approx([lr / 4 for lr in result.history.lr])
        assert all(moved for _, _, moved in seen[1:])
        assert (one.param_groups[0]["lr"], other.param_groups[0]["lr"]) == (0.4, 0.1)

    def test_two_optimizers_are_one_over_all_the_parameters(self) -> None:
        model = plain_net()
        halves = [sgd(model[0]), sgd(model[2])]
        assert sweep(model=model, optimizer=halves).history.train_loss == sweep().history.train_loss

    @pytest.mark.parametrize("sizes", [[8, 8], [12, 4]])
    def test_accumulation_is_a_bigger_batch(self, sizes: list[int]) -> None:
        parts = [pair for inputs, targets in BATCHES for pair in zip(inputs.split(sizes), targets.split(sizes), strict=True)]
        whole, accumulated = sweep(end_lr=0.5), sweep(train_loader=parts, accumulate=2, end_lr=0.5)
        assert accumulated.history.train_loss == pytest.approx(whole.history.train_loss, rel=1e-4)
        assert len(accumulated.history.lr) == SWEEP["steps"]
        assert accumulated.cost.trained_examples == whole.cost.trained_examples == SWEEP["steps"] * BATCH

    def test_a_network_in_eval_mode_trains(self) -> None:
        model = net().eval()
        seen = []
        model.body[3].register_forward_pre_hook(lambda module, _: seen.append(module.training))
        sweep(model=model)
        assert all(seen)
        assert not model.training

    def test_a_frozen_norm_stays_frozen(self) -> None:
        model = net().train()
        model.body[1].eval()
        seen = []
        model.body[1].register_forward_pre_hook(lambda module, _: seen.append(module.training))
        sweep(model=model, valid_loader=DataLoader(VALID, 8))
        assert not any(seen)

    def test_the_ratios_of_a_warm_up_that_stands_at_zero(self) -> None:
        model = plain_net()
        optimizer = torch.optim.SGD([{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters(), "lr": 0.2}])
        LambdaLR(optimizer, lambda step: step / 10)
        assert [group["lr"] for group in optimizer.param_groups] == [0.0, 0.0]
        result = sweep(model=model, optimizer=optimizer, steps=100, end_lr=3.0)
        result.apply(optimizer)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(result.suggestion() / 2)


class TestData:
    def test_a_stream_is_started_again(self) -> None:
        assert len(sweep(train_loader=DataLoader(Stream(), BATCH)).history.lr) == SWEEP["steps"]

    def test_any_object_that_can_be_iterated_over_again(self) -> None:
        class Again:
            def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
                return iter(BATCHES)

        assert sweep(train_loader=Again()).history.train_loss == sweep().history.train_loss

    def test_a_generator_that_is_long_enough(self) -> None:
        endless = itertools.cycle(BATCHES)
        assert sweep(train_loader=(batch for batch in endless)).history.train_loss == sweep().history.train_loss

    def test_batches_of_any_shape_through_steps(self) -> None:
        def step(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
            return F.cross_entropy(model(batch["x"]), batch["y"])

        def evaluate(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, tuple[Tensor, int]]:
            output, n = model(batch["x"]), len(batch["y"])
            return {"loss": (F.cross_entropy(output, batch["y"]) * n, n), "accuracy": ((output.argmax(1) == batch["y"]).sum(), n)}

        named = [{"name": ["a"] * len(y), "x": x, "y": y} for x, y in BATCHES]
        plain = sweep(valid_loader=BATCHES[:2])
        by_step = sweep(loss=None, training_step=step, train_loader=named, valid_loader=named[:2])
        with_metric = sweep(loss=None, training_step=step, evaluation_step=evaluate, train_loader=named, valid_loader=named[:2])
        assert by_step.history.train_loss == with_metric.history.train_loss == plain.history.train_loss
        assert by_step.history.valid_loss == pytest.approx(plain.history.valid_loss)
        assert len(with_metric.history.metrics["accuracy"]) == len(plain.history.valid_loss)

    def test_worker_processes(self) -> None:
        loader = DataLoader(TRAIN, BATCH, num_workers=1, multiprocessing_context="fork")
        valid = DataLoader(VALID, BATCH, num_workers=1, multiprocessing_context="fork", shuffle=True)
        found = sweep(train_loader=loader, valid_loader=valid, evaluations=2)
        assert found.history.train_loss == sweep().history.train_loss
        assert found.history.valid_loss == pytest.approx(sweep(valid_loader=DataLoader(VALID, BATCH), evaluations=2).history.valid_loss)


class TestPrecision:
    def test_updates_that_the_scaler_skips_are_no_points(self) -> None:
        def large(output: Tensor, target: Tensor) -> Tensor:
            return 3e3 * F.cross_entropy(output, target)

        result = sweep(loss=large, precision="fp16", start_lr=0.0, end_lr=1e-4)
        assert result.history.lr == sweep(end_lr=1e-4).history.lr
        assert result.cost.trained_examples > SWEEP["steps"] * BATCH

    def test_the_scripts_own_scaler_is_used_and_comes_back(self) -> None:
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
        loss: Callable[[Tensor, Tensor], Tensor] = lambda output, target: 1e3 * F.cross_entropy(output, target)  # noqa: E731 (too large for that scale)
        result = sweep(loss=loss, scaler=scaler, end_lr=1e-4)
        assert result.cost.trained_examples > SWEEP["steps"] * BATCH
        untouched = [loss(plain_net()(inputs), targets).item() for inputs, targets in BATCHES]
        assert result.history.train_loss[0] in untouched
        assert scaler._scale is None
        assert scaler.get_scale() == 2.0**127

    def test_gradients_are_clipped_at_their_true_size(self) -> None:
        clipped = sweep(clip_grad_norm=0.1)
        assert clipped.history.train_loss != sweep().history.train_loss
        scaled = sweep(scaler=torch.amp.GradScaler("cpu", init_scale=2.0**10), clip_grad_norm=0.1)
        assert scaled.history.train_loss == pytest.approx(clipped.history.train_loss, rel=1e-4)

    def test_a_scaler_that_is_switched_off_is_none_at_all(self) -> None:
        assert sweep(scaler=torch.amp.GradScaler("cpu", enabled=False)).history.train_loss == sweep().history.train_loss

    @pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
    def test_the_network_computes_in_the_narrow_type(self, precision: str, dtype: torch.dtype) -> None:
        seen = set()

        def loss(output: Tensor, target: Tensor) -> Tensor:
            seen.add(output.dtype)
            return F.cross_entropy(output, target)

        result = sweep(loss=loss, precision=precision, valid_loader=BATCHES[:2], end_lr=0.2)
        assert seen == {dtype}
        assert result.history.train_loss == pytest.approx(sweep(end_lr=0.2).history.train_loss, rel=0.05)

    def test_a_loss_that_is_never_finite_ends_it(self) -> None:
        result = sweep(loss=lambda output, target: F.cross_entropy(output, target) * math.nan, precision="fp16")
        assert result.outcome is RangeOutcome.DIVERGED_AT_ONCE


class TestValidation:
    @pytest.mark.parametrize("share", [0.05, 0.25, 2.0])
    @pytest.mark.parametrize("model", [plain_net, net])
    @pytest.mark.parametrize("batch", [4, 17, 1000])
    def test_it_costs_at_most_its_share(self, share: float, model: Callable[[], nn.Module], batch: int) -> None:
        result = sweep(model=model(), train_loader=DataLoader(TRAIN, 10), valid_loader=DataLoader(VALID, batch), valid_share=share, steps=60, end_lr=0.2)
        assert result.cost.evaluated_examples / 3 <= share * result.cost.trained_examples
        assert len(result.history.valid_loss) >= (1 if share == 0.05 else 5)

    def test_it_costs_no_more_where_later_batches_are_smaller_than_the_first(self) -> None:
        batches = [BATCHES[0], *((inputs[:2], targets[:2]) for inputs, targets in BATCHES)]
        result = sweep(train_loader=batches, valid_loader=DataLoader(VALID, 8), steps=60, end_lr=0.2)
        assert result.history.valid_loss
        assert result.cost.evaluated_examples / 3 <= 0.25 * result.cost.trained_examples

    def test_it_costs_no_more_where_a_batch_cannot_be_cut(self) -> None:
        class Encoding(dict):
            """As tokenizers give them."""

        def step(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
            return F.cross_entropy(model(batch["x"]), batch["y"])

        large = [Encoding(x=INPUTS.repeat(4, 1)[:500], y=TARGETS.repeat(4)[:500])]
        named = [{"x": x, "y": y} for x, y in BATCHES]
        result = sweep(loss=None, training_step=step, train_loader=named, valid_loader=large, steps=60, end_lr=0.2)
        assert result.cost.evaluated_examples == 500
        assert result.cost.evaluated_examples / 3 <= 0.25 * result.cost.trained_examples

    def test_data_that_training_and_validation_share_draw_alike_in_both(self) -> None:
        def run(*, validates: bool) -> ts.LrRangeTest:
            seed_everything(2)
            data = Noisy(0, N_TRAIN)
            valid = DataLoader(Subset(data, range(60, N_TRAIN)), 8) if validates else None
            return sweep(train_loader=DataLoader(Subset(data, range(60)), 10), valid_loader=valid, valid_share=5.0)

        assert len(run(validates=True).history.valid_loss) > 10
        assert run(validates=True).history.train_loss == run(validates=False).history.train_loss

    def test_with_money_for_it_there_are_as_many_as_asked_for_and_the_last_is_at_the_end(self) -> None:
        result = sweep(valid_loader=DataLoader(VALID, 8), valid_share=10.0, evaluations=12)
        assert result.history.eval_step == tuple(range(2, 25, 2))
        assert result.cost.evaluated_examples == 12 * N_VALID

    def test_the_loss_is_that_of_the_whole_set_where_it_fits(self) -> None:
        losses = []

        def loss(output: Tensor, target: Tensor) -> Tensor:
            losses.append(len(target))
            return F.cross_entropy(output, target)

        model = plain_net()
        result = sweep(model=model, loss=loss, valid_loader=DataLoader(VALID, 16, shuffle=True), valid_share=10.0, evaluations=1, steps=20, end_lr=1e-9)
        assert losses[-3:] == [16, 16, 8]
        with torch.no_grad():
            assert result.history.valid_loss[0] == pytest.approx(F.cross_entropy(model(VALID.tensors[0]), VALID.tensors[1]).item(), rel=1e-5)

    def test_statistics_of_norms_are_re_estimated_on_copies(self) -> None:
        result = sweep(model=net(), valid_loader=DataLoader(VALID, 8), valid_share=10.0, evaluations=5)
        assert result.cost.evaluated_examples > 5 * N_VALID

    def test_a_batch_larger_than_the_slice_is_cut(self) -> None:
        large = [(INPUTS.repeat(20, 1), TARGETS.repeat(20))]
        result = sweep(valid_loader=large, steps=100)
        assert len(result.history.valid_loss) >= 10
        assert result.cost.evaluated_examples / 3 <= 0.25 * result.cost.trained_examples


class TestRepeats:
    def test_the_first_is_the_one_without_repeats_and_the_others_differ(self) -> None:
        def run(repeats: int) -> ts.LrRangeTest:
            torch.manual_seed(4)
            return sweep(train_loader=DataLoader(TRAIN, BATCH, shuffle=True), repeats=repeats, steps=60, end_lr=3.0)

        one, three = run(1), run(3)
        assert three.runs[0].train_loss == one.runs[0].train_loss
        assert len({run.train_loss for run in three.runs}) == 3
        assert [run.train_loss for run in run(3).runs] == [run.train_loss for run in three.runs]
        assert one.interval is None
        assert three.interval is not None
        assert three.interval[0] <= three.suggestion() <= three.interval[1]
        assert three.findings[-1].kind == "repeats"
        assert three.cost.trained_examples >= one.cost.trained_examples

    def test_a_loader_with_a_generator_of_its_own_shuffles_anew(self) -> None:
        loader = DataLoader(TRAIN, BATCH, shuffle=True, generator=torch.Generator().manual_seed(0))
        result = sweep(train_loader=loader, repeats=2)
        assert result.runs[0].train_loss != result.runs[1].train_loss
        assert loader.generator.initial_seed() == 0


class TestOutcomes:
    """Nature is reported, whatever the sign of the loss."""

    def test_found_and_the_same_for_a_loss_below_zero(self) -> None:
        whole = {"steps": 150, "end_lr": 8.0, "stops_when_diverged": False}  # where a run is given up depends on the level of its loss
        found, below = sweep(**whole), sweep(**whole, loss=lambda output, target: F.cross_entropy(output, target) - 5.0)
        assert found.outcome in {RangeOutcome.FOUND, RangeOutcome.NEVER_DIVERGED}
        assert below.outcome is found.outcome
        assert below.suggestion() == pytest.approx(found.suggestion(), rel=1e-3)

    def test_two_lengths_are_compared_and_the_first_stays_what_it_was(self) -> None:
        """The sweep of another length starts from the same weights, is kept raw, and moves nothing of the result but its findings."""
        alone, both = sweep(steps=150, end_lr=8.0), sweep(steps=150, end_lr=8.0, compare_steps=60)
        assert both.history.lr == alone.history.lr
        assert both.history.train_loss == alone.history.train_loss
        assert both.suggested_lr == alone.suggested_lr
        assert both.compared is not None
        assert len(both.compared.lr) <= 60
        drift = both.findings[-1]
        assert (drift.kind, [found.kind for found in both.findings[:-1]]) == ("drift", [found.kind for found in alone.findings])
        assert "60 and 150 updates" in drift.evidence
        assert both.cost.trained_examples > alone.cost.trained_examples
        assert ts.LrRangeTest.from_dict(both.to_dict()).compared == both.compared

    def test_a_loss_of_zero_is_flat(self) -> None:
        assert sweep(loss=lambda output, _: 0.0 * output.sum()).outcome is RangeOutcome.FLAT

    def test_rates_that_do_nothing_do_not_diverge(self) -> None:
        result = sweep(end_lr=1e-7, steps=60)
        assert result.outcome in {RangeOutcome.FLAT, RangeOutcome.TOO_NOISY}
        with pytest.raises(ts.CurveError, match="must show a falling loss"):
            result.suggestion()

    def test_rates_that_are_all_too_large_diverge_at_once(self) -> None:
        result = sweep(start_lr=1e5, end_lr=1e6)
        assert result.outcome is RangeOutcome.DIVERGED_AT_ONCE
        assert result.history.outcome in {RunOutcome.DIVERGED, RunOutcome.NOT_FINITE}

    def test_divergence_need_not_stop_it(self) -> None:
        assert len(sweep(start_lr=1.0, end_lr=20.0, stops_when_diverged=False).history.lr) == SWEEP["steps"]

    def test_heavy_ball_diverges_where_theory_says(self) -> None:
        """On a quadratic of curvature h the largest stable rate is 2 (1 + momentum) / h."""
        for momentum in (0.0, 0.5, 0.9):
            model = nn.Linear(4, 1, bias=False)
            nn.init.ones_(model.weight)
            torch.manual_seed(0)
            curvature = torch.tensor([[0.5, 1.0, 2.0, 4.0]])
            step = lambda net, _, h=curvature: 0.5 * (h * (net.weight - 0.1 * torch.randn(1, 4)) ** 2).sum()  # noqa: E731 (a noisy quadratic)
            limit = 2 * (1 + momentum) / 4.0
            result = sweep(model=model, optimizer=sgd(model, momentum=momentum), loss=None, training_step=step, train_loader=[()], steps=400, end_lr=3 * limit)
            assert result.outcome is RangeOutcome.FOUND
            assert result.edge is not None
            assert math.sqrt(result.edge[0] * result.edge[1]) == pytest.approx(limit, rel=0.2)


@pytest.mark.gpu
class TestOnAnAccelerator:
    @pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
    def test_training_goes_on_bit_for_bit(self, precision: str) -> None:
        losses = []
        for is_probed in (False, True):
            torch.manual_seed(0)
            model = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 2)).cuda()
            optimizer, scaler = sgd(model), torch.amp.GradScaler("cuda")
            if is_probed:
                ts.lr_range_test(model, optimizer, F.cross_entropy, BATCHES, BATCHES[:2], precision=precision, scaler=scaler, **SWEEP)
            losses.append([])
            for inputs, targets in BATCHES:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(inputs.cuda()), targets.cuda())
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
                losses[-1].append(loss.item())
        assert losses[0] == losses[1]
