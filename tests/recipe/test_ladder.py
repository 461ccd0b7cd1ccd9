"""Recipe `ladder` from end to end on tasks that train in a fraction of a second, and its decisions on made-up scores."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from tests.recipe.tiny import INPUTS, Heard, Tuned, blobs, is_sweep, make_task, time_model, tuned
from torch import nn
from torch.nn import functional as F

from tunesmith.plan import Plan, StudyOutcome
from tunesmith.recipe import tune
from tunesmith.recipe.ladder.lengths import Lengths
from tunesmith.settings import Settings
from tunesmith.study import Study


def ladder(folder: Path, task: object = None, **options: object) -> Tuned:
    return tuned(make_task(epochs=60) if task is None else task, folder, recipe="ladder", **options)  # type: ignore[arg-type]


def wrong_labels(n: int, seed: int, *, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The blobs, some of them under another name: what a network learns by heart of them is wrong."""
    inputs, labels = blobs(n, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    flipped = torch.rand(n, generator=generator) < share
    return inputs, torch.where(flipped, torch.randint(4, (n,), generator=generator), labels)


def wide() -> nn.Module:
    return nn.Sequential(nn.Linear(INPUTS, 256), nn.ReLU(), nn.Linear(256, 4))


def full_steps(done: Tuned) -> int:
    assert done.plan.settings is not None
    return done.task.steps_at(done.plan.settings.batch_size)


class TestLength:
    def test_a_task_that_is_learnt_by_heart_is_trained_for_less(self, tmp_path: Path) -> None:
        task = make_task(model=wide, train=wrong_labels(160, 0, share=0.4), valid=blobs(256, 1), epochs=240)
        done = ladder(tmp_path, task)
        assert done.plan.settings is not None
        assert done.plan.total_steps <= full_steps(done) / 2

    def test_a_task_that_still_improves_is_trained_for_all_of_it(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, bounds={"lr": (1e-5, 5e-4)})  # so slow that the whole length is too short
        assert done.plan.settings is not None
        assert done.plan.total_steps == full_steps(done)

    def test_a_fixed_length_is_kept(self, tmp_path: Path) -> None:
        task = make_task(model=wide, train=wrong_labels(160, 0, share=0.4), valid=blobs(256, 1), epochs=240)
        done = ladder(tmp_path, task, fixed={"epochs": 120.0})
        assert done.plan.settings is not None
        assert done.plan.total_steps == round(120 * 160 / done.plan.settings.batch_size)

    def test_what_is_tried_next_follows_from_how_the_plan_did(self) -> None:
        lengths = Lengths(shorter=(Settings(), 250), longer=None, score=0.5, fall=0.01)
        assert lengths.after(0.4, length=1000) is None
        found = lengths.after(math.inf, length=1000)
        assert found is not None
        assert found[:2] == (Settings(), 250)
        assert lengths.after(0.6, length=250) is None
        assert Lengths().after(math.inf, length=100) is None


class TestLearningRate:
    def test_the_peak_of_least_squares_lies_below_what_it_bears(self, tmp_path: Path) -> None:
        inputs = torch.randn(320, INPUTS, generator=torch.Generator().manual_seed(0))
        curvature = 2 * float(torch.linalg.eigvalsh(inputs.T @ inputs / len(inputs)).max())  # of the mean square error
        targets = inputs.sum(dim=1, keepdim=True) + 0.1 * torch.randn(320, 1, generator=torch.Generator().manual_seed(1))
        task = make_task(
            model=lambda: nn.Linear(INPUTS, 1), train=(inputs[:256], targets[:256]), valid=(inputs[256:], targets[256:]), loss=F.mse_loss, epochs=60
        )
        done = ladder(tmp_path, task, fixed={"momentum": 0.0})
        assert done.plan.settings is not None
        assert 0.001 / curvature < done.plan.settings.lr < 2 / curvature
        assert done.plan.confirmed is not None
        assert done.plan.confirmed.valid[0] < 0.03  # the noise of the targets is .01


class TestLimits:
    def test_what_is_fixed_is_used_and_costs_no_sweep(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, fixed={"lr": 0.05, "momentum": 0.8, "weight_decay": 3e-4, "batch_size": 32})
        settings = done.plan.settings
        assert settings is not None
        assert (settings.lr, settings.momentum, settings.weight_decay, settings.batch_size) == (0.05, 0.8, 3e-4, 32)
        assert not any(is_sweep(stored) for stored in done.stored())

    def test_bounds_hold_for_the_plan(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, bounds={"lr": (0.001, 0.02), "momentum": (0.85, 0.92), "weight_decay": (1e-5, 1e-4)})
        settings = done.plan.settings
        assert settings is not None
        assert 0.001 <= settings.lr <= 0.02
        assert 0.85 <= settings.momentum <= 0.92
        assert 1e-5 <= settings.weight_decay <= 1e-4


class TestRuns:
    def test_runs_of_one_length_share_seed_and_total_decay_is_kept_between_lengths(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, fixed={"lr": 0.05, "momentum": 0.9})
        with Study.open(done.folder) as study:
            runs = [arm.run.spec for experiment in study.experiments() if experiment.probe == "ladder" for arm in experiment.arms]
        by_length = {steps: [spec for spec in runs if spec.total_steps == steps and spec.seed == 0] for steps in {spec.total_steps for spec in runs}}
        assert len(by_length) == 3
        least = {steps: min(spec.settings.weight_decay for spec in specs) * steps for steps, specs in by_length.items()}
        assert max(least.values()) == pytest.approx(min(least.values()), rel=0.05)

    @pytest.mark.parametrize("budget", [0.25, 1.0, pytest.param(4.0, marks=pytest.mark.slow)])
    def test_the_search_stays_within_its_budget_and_the_forecast(self, tmp_path: Path, budget: float) -> None:
        done = ladder(tmp_path, budget=budget, fixed={"batch_size": 16})
        assert done.plan.outcome is StudyOutcome.RECOMMENDED
        assert budget / 4 <= done.plan.cost.search <= budget
        (forecast,) = done.heard.forecasts
        assert forecast.total[0] <= done.plan.cost.total <= forecast.total[1]

    def test_batch_norm_and_adamw_are_tuned(self, tmp_path: Path) -> None:
        def model() -> nn.Module:
            return nn.Sequential(nn.Linear(INPUTS, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))

        done = ladder(tmp_path, make_task(model=model, optimizer="adamw", epochs=60))
        assert done.plan.outcome is StudyOutcome.RECOMMENDED
        assert done.plan.cost.search <= 1.0

    def test_plan_and_report_are_written_with_a_finding_for_each_knob(self, tmp_path: Path) -> None:
        done = ladder(tmp_path)
        kinds = {finding.kind for finding in done.plan.findings}
        assert {"max_lr", "momentum", "weight_decay", "batch_size", "length"} <= kinds
        assert all(finding.evidence and finding.not_established for finding in done.plan.findings)
        assert Plan.load(done.folder / "plan.toml").max_lr == done.plan.max_lr
        assert "Ladder" in (done.folder / "report.html").read_text()
        with Study.open(done.folder) as study:
            names = [experiment.probe for experiment in study.experiments()]
        assert [name for name in names if name != "batch_size"] == ["bracket", "lr_range", "ladder", "confirm"]


class TestResume:
    def test_an_interrupted_study_ends_the_same(self, tmp_path: Path) -> None:
        whole = ladder(tmp_path / "whole", time_model=time_model(tmp_path))
        folder = tmp_path / "cut" / "study"
        for updates in (100, 200, 300):
            with pytest.raises(KeyboardInterrupt):
                tune(make_task(epochs=60), out=folder, recipe="ladder", progress=Heard(interrupt_after=updates), time_model=time_model(tmp_path))
        plan = tune(make_task(epochs=60), out=folder, recipe="ladder", time_model=time_model(tmp_path))
        assert dataclasses.replace(plan, cost=whole.plan.cost).to_dict() == whole.plan.to_dict()
        assert (folder / "plan.toml").read_bytes() == (whole.folder / "plan.toml").read_bytes()

    def test_the_same_call_again_trains_nothing(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, fixed={"lr": 0.05, "momentum": 0.9})
        heard = Heard()
        plan = tune(done.task, out=done.folder, recipe="ladder", progress=heard, fixed={"lr": 0.05, "momentum": 0.9})
        assert heard.costs == []
        assert plan.to_dict() == done.plan.to_dict()


class TestAbstention:
    def test_a_budget_too_small_is_spent_and_says_so(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, budget=0.02)
        assert done.plan.outcome is StudyOutcome.BUDGET_SPENT
        assert done.plan.settings is None
        assert done.plan.cost.search <= 0.02

    def test_a_network_that_cannot_learn_is_not_recommended(self, tmp_path: Path) -> None:
        def constant(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return output.sum() * 0 + F.cross_entropy(output.detach(), target)

        done = ladder(tmp_path, make_task(loss=constant, epochs=60), fixed={"weight_decay": 0.0})  # decay alone would lower the loss
        assert done.plan.outcome is StudyOutcome.ABSTAINED
        assert done.plan.settings is None
        assert done.plan.advice

    def test_one_learning_rate_that_diverges_is_not_recommended(self, tmp_path: Path) -> None:
        done = ladder(tmp_path, fixed={"lr": 1e8, "momentum": 0.9, "weight_decay": 0.0})
        assert done.plan.outcome is StudyOutcome.ABSTAINED
