"""The recipe from end to end on tasks that train in a fraction of a second."""

import dataclasses
import itertools
import math
import statistics
from pathlib import Path

import pytest
import torch
from tests.recipe.tiny import INPUTS, KNOBS, Tuned, accuracy, blobs, make_task, mlp, overfitting, tuned
from torch import nn
from torch.nn import functional as F

from tunesmith.engine import check_task
from tunesmith.engine.device import resolve_device
from tunesmith.engine.evaluation import Evaluator
from tunesmith.errors import InputError
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.settings import RunKind, Settings
from tunesmith.study import Study
from tunesmith.task import Metric, Task


def validated(task: Task, model: nn.Module) -> float:
    return Evaluator(task, device=resolve_device("cpu"), batch_size=32).evaluate(model, task.valid).values["loss"]


class TestStudyFolder:
    def test_it_holds_what_is_promised(self, study: Tuned) -> None:
        names = {path.name for path in study.folder.iterdir()}
        assert names == {"plan.toml", "report.html", "study.sqlite", "time_model.json", "checkpoints"}
        assert study.folder.joinpath("report.html").stat().st_size > 10_000

    def test_the_plan_is_in_the_file_and_in_the_database(self, study: Tuned) -> None:
        resolved = Plan.from_dict(study.plan.to_dict())
        from_file = Plan.load(study.folder / "plan.toml")
        assert from_file == dataclasses.replace(resolved, cost=dataclasses.replace(resolved.cost, seconds=0.0))
        with Study.open(study.folder) as stored:
            assert stored.plan == resolved

    def test_the_weights_kept_are_those_that_were_confirmed(self, study: Tuned) -> None:
        assert study.plan.confirmed is not None
        confirming = [stored.run for stored in study.stored() if stored.purpose == "confirm"]
        for run in confirming:
            model = mlp()
            weights = torch.load(study.folder / "checkpoints" / f"{run.spec.key}.pt", weights_only=True)
            model.load_state_dict(weights)
            assert validated(study.task, model) == pytest.approx(run.curve.valid_loss[-1], rel=1e-6)
        finals = {run.spec.seed: run.curve.valid_loss[-1] for run in confirming}
        assert study.plan.confirmed.valid == tuple(finals[seed] for seed in study.plan.confirmed.seeds)

    def test_the_test_set_is_touched_by_full_runs_alone(self, study: Tuned) -> None:
        in_full = [stored for stored in study.stored() if stored.purpose == "confirm"]
        assert in_full
        assert all((stored in in_full) == bool(stored.run.curve.test) for stored in study.stored())
        assert study.plan.confirmed is not None
        assert study.plan.confirmed.test is not None

    def test_fresh_seeds_are_fresh(self, study: Tuned) -> None:
        assert study.plan.confirmed is not None
        searched = {stored.run.spec.seed for stored in study.stored() if stored.purpose == "search"}
        assert not searched & set(study.plan.confirmed.seeds)

    def test_every_stage_left_its_experiment_in_order(self, study: Tuned) -> None:
        with Study.open(study.folder) as stored:
            experiments = stored.experiments()
        names = [experiment.probe for experiment in experiments]
        assert names == ["bracket", "lr_range", "ladder", "batch_size", "confirm", "current_quarter"]
        assert all(experiment.verdict for experiment in experiments)

    def test_every_stage_of_the_report_left_its_experiment_in_order(self, tmp_path: Path) -> None:
        with Study.open(tuned(make_task(), tmp_path, recipe="report").folder) as stored:
            names = [experiment.probe for experiment in stored.experiments()]
        assert names == [name for name in ("bracket", "lr_range", "peak_lr", "batch_size", "momentum", "weight_decay", "confirm") if name in names]
        assert {"bracket", "lr_range", "peak_lr", "momentum", "weight_decay", "confirm"} <= set(names)

    def test_every_finding_says_what_it_does_not_establish(self, study: Tuned) -> None:
        assert study.plan.findings
        assert all(finding.not_established and finding.evidence for finding in study.plan.findings)


class TestCost:
    def test_the_ledger_and_the_plan_agree(self, study: Tuned) -> None:
        with Study.open(study.folder) as stored:
            ledger = stored.cost()
        for name in ("search", "confirm", "baseline"):
            assert getattr(ledger, name) == pytest.approx(getattr(study.plan.cost, name))

    def test_the_plan_was_trained_for_its_own_length(self, study: Tuned) -> None:
        assert study.plan.cost.confirm >= study.plan.total_steps * study.plan.batch_size / study.task.full_training_examples

    def test_the_forecast_comes_before_anything_is_trained_and_holds(self, study: Tuned) -> None:
        (forecast,) = study.heard.forecasts
        assert 0 <= forecast.search[0] <= forecast.search[1] <= forecast.total[1]
        assert forecast.total[0] <= study.plan.cost.total <= forecast.total[1]
        assert forecast.search[0] <= study.plan.cost.search <= forecast.search[1]
        assert forecast.seconds is not None
        assert 0 < forecast.seconds[0] <= forecast.seconds[1]
        assert all(low <= high for _, low, high in forecast.stages)

    def test_progress_hears_a_cost_that_grows_to_the_total(self, study: Tuned) -> None:
        assert study.heard.costs == sorted(study.heard.costs)
        assert study.heard.costs[-1] <= study.plan.cost.total + 1e-9
        assert study.heard.costs[-1] >= study.plan.cost.total - 0.2

    @pytest.mark.parametrize("budget", [0.25, pytest.param(0.5, marks=pytest.mark.slow), pytest.param(2.0, marks=pytest.mark.slow)])
    def test_the_search_stays_within_its_budget(self, tmp_path: Path, budget: float) -> None:
        done = tuned(make_task(epochs=60), tmp_path, budget=budget, fixed={"batch_size": 16})
        assert done.plan.outcome is StudyOutcome.RECOMMENDED
        assert budget / 4 <= done.plan.cost.search <= budget
        (forecast,) = done.heard.forecasts
        assert forecast.total[0] <= done.plan.cost.total <= forecast.total[1]

    def test_a_budget_too_small_is_spent_and_says_so(self, tmp_path: Path) -> None:
        done = tuned(make_task(), tmp_path, budget=0.05)
        assert done.plan.outcome is StudyOutcome.BUDGET_SPENT
        assert done.plan.settings is None
        assert done.plan.cost.search <= 0.05
        assert "Raise --budget" in done.plan.advice[0]
        assert done.heard.stages == []
        assert (done.folder / "report.html").exists()
        assert Plan.load(done.folder / "plan.toml").outcome is StudyOutcome.BUDGET_SPENT

    @pytest.mark.slow
    @pytest.mark.parametrize("has_norm", [False, True])
    @pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
    @pytest.mark.parametrize("size", [8, 16, 64])
    def test_no_shape_of_task_breaks_the_budget(self, tmp_path: Path, *, has_norm: bool, optimizer: str, size: int) -> None:
        """Re-estimating BatchNorm statistics and validating can cost more than training."""
        model = (lambda: nn.Sequential(nn.Linear(INPUTS, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))) if has_norm else mlp
        for number, (n, updates, budget) in enumerate(itertools.product((100, 600), (110, 260, 700), (0.3, 0.9, 1.5))):
            task = make_task(model=model, train=blobs(n), valid=blobs(500, 1), optimizer=optimizer, epochs=updates * size / n)
            plan = tuned(task, tmp_path / str(number), budget=budget, fixed={"batch_size": size} if number % 2 else {"batch_size": size, "lr": 0.02}).plan
            assert plan.cost.search <= budget, (n, updates, budget, plan.outcome)


class TestPlan:
    def test_its_optimizer_and_scheduler_train_the_network_by_hand(self, study: Tuned) -> None:
        """A plain loop with its own order of examples: on three seeds of three within a quarter of the fall to the confirmed loss."""
        plan = Plan.load(study.folder / "plan.toml")
        assert plan.confirmed is not None
        inputs, targets = blobs(320)
        for seed in range(3):
            torch.manual_seed(seed)
            model = mlp()
            before = validated(study.task, model)
            optimizer = plan.optimizer(model)
            scheduler = plan.scheduler(optimizer)
            order = torch.cat([torch.randperm(320) for _ in range(math.ceil(plan.epochs) + 1)])
            for step in range(plan.total_steps):
                chosen = order[step * plan.batch_size : (step + 1) * plan.batch_size]
                optimizer.zero_grad()
                F.cross_entropy(model(inputs[chosen]), targets[chosen]).backward()
                optimizer.step()
                scheduler.step()
            after = validated(study.task, model)
            assert after < plan.confirmed.valid[0] + 0.25 * (before - plan.confirmed.valid[0])

    def test_it_is_better_than_what_was_far_too_slow(self, study: Tuned) -> None:
        assert study.plan.outcome is StudyOutcome.RECOMMENDED
        assert study.plan.current is None  # a quarter of it was enough to see that
        (quarter,) = (stored.run for stored in study.stored() if stored.purpose == "baseline")
        assert quarter.spec.total_steps == study.task.steps_at(32) // 4
        assert study.plan.confirmed is not None
        assert study.plan.confirmed.valid[0] < quarter.curve.valid_loss[-1]


class TestTasks:
    def test_a_task_that_overfits_gets_a_shorter_plan(self, tmp_path: Path) -> None:
        done = tuned(overfitting(), tmp_path, recipe="report")
        full = done.task.steps_at(done.plan.batch_size)
        confirming = [stored.run for stored in done.stored() if stored.purpose == "confirm"]
        assert len(confirming) >= 2
        assert {run.spec.seed for run in confirming} == set(range(500, 500 + len(confirming)))
        assert any("was best at update" in verdict for verdict in done.heard.verdicts)
        assert done.plan.total_steps < full
        assert min(run.curve.valid_loss[-1] for run in confirming) == done.plan.confirmed.valid[0]  # type: ignore[union-attr]

    def test_a_shape_of_the_users_own_is_followed(self, tmp_path: Path) -> None:
        done = tuned(make_task(schedule=lambda step, total: 1 - step / total), tmp_path)
        assert done.plan.schedule == "task"
        confirming = next(stored.run for stored in done.stored() if stored.purpose == "confirm")
        assert confirming.curve.lr[0] == pytest.approx(done.plan.max_lr)
        assert confirming.curve.lr[-1] == pytest.approx(done.plan.max_lr / confirming.spec.total_steps)

    def test_a_named_schedule_replaces_the_tasks(self, tmp_path: Path) -> None:
        assert tuned(make_task(), tmp_path, schedule="warmup_linear", fixed=KNOBS | {"batch_size": 16}).plan.schedule == "warmup_linear"

    def test_a_number_of_cycles_is_kept_in_every_run_and_short_ones_are_told_of(self, tmp_path: Path) -> None:
        done = tuned(make_task(), tmp_path, schedule="triangular", cycles=8, fixed=KNOBS | {"batch_size": 16, "epochs": 20})
        assert (done.plan.schedule, done.plan.cycles, done.plan.min_lr) == ("triangular", 8, done.plan.max_lr / 4)
        assert Plan.load(done.folder / "plan.toml").cycles == 8
        annealed = [stored.run for stored in done.stored() if stored.run.spec.settings.schedule == "triangular" and stored.run.spec.kind is RunKind.CYCLE]
        assert {run.spec.settings.cycles for run in annealed} == {8}
        confirming = next(stored.run for stored in done.stored() if stored.purpose == "confirm")
        assert confirming.curve.lr.count(done.plan.max_lr) == 8
        sentence = "Half a cycle should last 2-10 epochs, and lasts 1.2 here: 8 cycles in 20 epochs. Ask for 5 cycles, or for 32 epochs."
        assert sentence in done.heard.messages
        assert sentence in done.plan.advice

    def test_batch_makers_serve_for_data(self, tmp_path: Path) -> None:
        inputs, labels = blobs(320)

        def train(batch_size: int, generator: torch.Generator) -> object:
            return ((inputs[chunk], labels[chunk]) for chunk in torch.randperm(320, generator=generator).split(batch_size))

        def valid(batch_size: int, _generator: torch.Generator) -> object:
            return zip(*(part.split(batch_size) for part in blobs(128, 1)), strict=True)

        made = tuned(make_task(train=train, valid=valid, examples_per_epoch=320), tmp_path)  # type: ignore[arg-type]
        assert made.plan.outcome is StudyOutcome.RECOMMENDED
        assert made.plan.confirmed is not None
        assert made.plan.confirmed.valid[0] < 0.5  # untrained it is 1.5

    def test_a_metric_that_is_better_higher_decides(self, tmp_path: Path) -> None:
        done = tuned(make_task(metrics={"accuracy": Metric(accuracy, higher_is_better=True)}, goal="accuracy"), tmp_path, recipe="report")
        assert done.plan.goal == "accuracy"
        assert done.plan.confirmed is not None
        assert 0.7 < done.plan.confirmed.valid[0] <= 1
        with Study.open(done.folder) as stored:
            (peak,) = (experiment for experiment in stored.experiments() if experiment.probe == "peak_lr")
        means: dict[float, list[float]] = {}
        for arm in peak.arms:
            means.setdefault(arm.value or 0.0, []).append(arm.run.curve.metrics["accuracy"][-1])
        repeated = {value: sum(found) / len(found) for value, found in means.items() if len(found) > 1}
        (chosen,) = (finding.value for finding in peak.findings)
        assert chosen in repeated

    @pytest.mark.parametrize("level", [-10.0, pytest.param(0.0, marks=pytest.mark.slow), pytest.param(1000.0, marks=pytest.mark.slow)])
    def test_the_loss_may_lie_at_any_level(self, tmp_path: Path, level: float) -> None:
        """Below zero too."""
        done = tuned(make_task(loss=lambda output, target: F.cross_entropy(output, target) + level), tmp_path, fixed={"weight_decay": 1e-4})
        assert done.plan.outcome is StudyOutcome.RECOMMENDED
        assert 0.01 < done.plan.max_lr < 1
        assert done.plan.confirmed is not None
        assert done.plan.confirmed.valid[0] - level < 0.7

    def test_regression(self, tmp_path: Path) -> None:
        inputs = torch.randn(320, INPUTS, generator=torch.Generator().manual_seed(0))
        targets = inputs @ torch.arange(1.0, INPUTS + 1).unsqueeze(1) / 4 + 0.1 * torch.randn(320, 1, generator=torch.Generator().manual_seed(1))
        task = make_task(model=lambda: nn.Linear(INPUTS, 1), train=(inputs[:240], targets[:240]), valid=(inputs[240:], targets[240:]), loss=F.mse_loss)
        plan = tuned(task, tmp_path).plan
        assert plan.outcome is StudyOutcome.RECOMMENDED
        assert plan.confirmed is not None
        assert plan.confirmed.valid[0] < 0.2  # the noise alone is .01, the targets' variance 13; total decay kept where a run converges costs the rest

    def test_adamw_gets_weight_decays_of_its_own_size(self, tmp_path: Path) -> None:
        plan = tuned(make_task(optimizer="adamw"), tmp_path).plan
        assert plan.outcome is StudyOutcome.RECOMMENDED
        assert plan.optimizer_name == "adamw"
        assert plan.total_decay == pytest.approx(0.1, rel=0.05)  # or 1: what the ladder tries, to two digits of the weight decay

    def test_an_optimizer_of_the_users_own(self, tmp_path: Path) -> None:
        task = make_task(optimizer=lambda groups, settings: torch.optim.RMSprop(groups, lr=settings.lr, momentum=settings.momentum))
        done = tuned(task, tmp_path, fixed={"weight_decay": 0.0})
        assert done.plan.optimizer_name == "custom"
        with pytest.raises(InputError, match="own maker"):
            done.plan.optimizer(mlp())


def test_the_whole_recipe_leaves_the_users_world_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    tuned(make_task(), tmp_path, fixed=KNOBS | {"batch_size": 16})
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (torch.get_num_threads(), torch.get_default_dtype())


@pytest.mark.slow
def test_two_seeds_are_two_studies_of_one_task(tmp_path: Path) -> None:
    knobs = KNOBS | {"batch_size": 16}
    one, other = (tuned(make_task(), tmp_path / str(seed), fixed=knobs, seed=seed, confirm_seeds=2) for seed in (0, 7))
    assert one.plan.confirmed is not None
    assert other.plan.confirmed is not None
    assert len(one.plan.confirmed.seeds) == len(other.plan.confirmed.seeds) == 2
    assert set(one.plan.confirmed.seeds) <= set(range(500, 505))
    assert set(other.plan.confirmed.seeds) <= set(range(7500, 7505))
    assert not set(one.plan.confirmed.valid) & set(other.plan.confirmed.valid)
    with Study.open(one.folder) as a, Study.open(other.folder) as b:
        assert a.fingerprint == b.fingerprint == check_task(one.task).fingerprint


def test_several_confirming_seeds_measure_the_noise(tmp_path: Path) -> None:
    task = make_task(current=Settings(lr=0.05, momentum=0.9, weight_decay=1e-3, batch_size=16))
    done = tuned(task, tmp_path, fixed=KNOBS | {"batch_size": 16}, confirm_seeds=3)
    assert done.plan.confirmed is not None
    (against,) = (finding for finding in done.plan.findings if finding.kind == "against_current")
    assert "what is usual and 3 seeds" in against.evidence
    low, high = done.plan.confirmed.interval or (0.0, 0.0)
    assert low < statistics.fmean(done.plan.confirmed.valid) < high
