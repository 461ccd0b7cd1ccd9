"""The batch size in both recipes, from end to end: limits, budget, resuming, processes, time models, kinds of tasks, and what the plan says of it."""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tests.recipe.tiny import INPUTS, KNOBS, Heard, Tuned, accuracy, blobs, is_sweep, make_task, mlp, tuned
from torch import Tensor, nn

from tunesmith.curve import Run
from tunesmith.engine import measure_steps
from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.reading.batch_times import noise_of, point_of
from tunesmith.recipe import tune
from tunesmith.settings import Settings
from tunesmith.study import Study
from tunesmith.task import Metric, Task
from tunesmith.task_file import load_task

SIZES = (5, 8, 10, 16, 20, 32, 64, 100, 128, 200, 256, 512)
RECIPES = ("ladder", "report")
SLOW = pytest.mark.slow


def flat(_size: int) -> float:
    """An update takes the same at every size."""
    return 1e-3


def in_proportion(size: int) -> float:
    """An update takes as long as its examples."""
    return 1e-4 * size


def machine(folder: Path, seconds: Callable[[int], float], *, name: str = "machine") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"version": 1, "seconds_per_step": {str(size): seconds(size) for size in SIZES}}))
    return path


def larger(**changes: object) -> Task:
    """1280 examples: 64 to begin with, and 1200 updates at that size."""
    return make_task(**{"train": blobs(1280), "epochs": 60, **changes})  # type: ignore[arg-type]


def study_of(folder: Path, task: Task | None = None, *, seconds: Callable[[int], float] = flat, **options: object) -> Tuned:
    return tuned(larger() if task is None else task, folder, time_model=machine(folder, seconds), **options)


def experiments_of(folder: Path) -> tuple[Experiment, ...]:
    with Study.open(folder) as study:
        return study.experiments()


def compared(done: Tuned) -> Experiment:
    (found,) = (experiment for experiment in experiments_of(done.folder) if experiment.probe == "batch_size")
    return found


def findings(plan: Plan) -> dict[str, Finding]:
    return {finding.kind: finding for finding in plan.findings}


def sizes_of(done: Tuned) -> set[int]:
    return {stored.run.spec.settings.batch_size for stored in done.stored() if stored.purpose != "baseline"}


def is_sampled(done: Tuned) -> bool:
    return any(stored.run.spec.gradient_points for stored in done.stored())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tuned]:
    """Recipe → a study on the flat machine, for all who only look."""
    folder = tmp_path_factory.mktemp("whole")
    return {recipe: study_of(folder / recipe, recipe=recipe) for recipe in RECIPES}


class TestLimits:
    @pytest.mark.parametrize("recipe", RECIPES)
    def test_what_is_fixed_is_used_for_every_run_and_costs_nothing(self, tmp_path: Path, recipe: str) -> None:
        done = study_of(tmp_path, recipe=recipe, fixed={"batch_size": 48})
        assert sizes_of(done) == {48}
        assert done.plan.batch_size == 48
        assert not is_sampled(done)
        assert not [experiment for experiment in experiments_of(done.folder) if experiment.probe == "batch_size"]
        assert "batch_size" not in done.heard.stages

    @pytest.mark.parametrize("recipe", RECIPES)
    @pytest.mark.parametrize("bounds", [(32, 128), *(pytest.param(bounds, marks=SLOW) for bounds in ((100, 300), (64, 64), (8, 20)))])
    def test_bounds_hold_for_every_run_and_the_plan(self, tmp_path: Path, recipe: str, bounds: tuple[int, int]) -> None:
        for name, seconds in (("flat", flat), ("proportional", in_proportion)):
            done = study_of(tmp_path / name, recipe=recipe, bounds={"batch_size": bounds}, seconds=seconds)
            assert all(bounds[0] <= size <= bounds[1] for size in sizes_of(done))
            assert bounds[0] <= done.plan.batch_size <= bounds[1]

    def test_bounds_of_the_other_knobs_hold_at_another_size(self, tmp_path: Path) -> None:
        bounds = {"lr": (0.01, 0.2), "weight_decay": (1e-5, 1e-3)}
        done = study_of(tmp_path, bounds=bounds)
        assert done.plan.batch_size > 64
        for stored in done.stored():
            assert is_sweep(stored) or 0.01 <= stored.run.spec.settings.lr <= 0.2
        assert 1e-5 <= done.plan.weight_decay <= 1e-3

    @pytest.mark.parametrize("recipe", RECIPES)
    @pytest.mark.parametrize("seconds", [pytest.param(flat, marks=SLOW), in_proportion])
    def test_a_fixed_length_is_kept_at_another_size(self, tmp_path: Path, recipe: str, seconds: Callable[[int], float]) -> None:
        done = study_of(tmp_path, recipe=recipe, seconds=seconds, fixed={"epochs": 30.0})
        assert done.plan.total_steps == round(30 * 1280 / done.plan.batch_size)

    def test_in_recipe_report_the_length_is_the_tasks_at_any_size(self, tmp_path: Path) -> None:
        for name, seconds in (("flat", flat), ("proportional", in_proportion)):
            done = study_of(tmp_path / name, recipe="report", seconds=seconds)
            assert done.plan.batch_size != 64
            confirmed = next(stored.run.spec for stored in done.stored() if stored.purpose == "confirm")
            assert confirmed.total_steps == round(60 * 1280 / confirmed.settings.batch_size)


class TestBudget:
    @pytest.mark.parametrize("recipe", RECIPES)
    @pytest.mark.parametrize("budget", [pytest.param(0.25, marks=SLOW), 1.0, pytest.param(2.0, marks=SLOW)])
    def test_the_search_stays_within_its_budget_and_the_forecast(self, tmp_path: Path, recipe: str, budget: float) -> None:
        for name, seconds in (("flat", flat), ("proportional", in_proportion)):
            done = study_of(tmp_path / name, recipe=recipe, budget=budget, seconds=seconds)
            assert done.plan.cost.search <= budget
            (forecast,) = done.heard.forecasts
            assert done.plan.cost.total <= forecast.total[1]
            if done.plan.outcome is StudyOutcome.RECOMMENDED:
                assert forecast.total[0] <= done.plan.cost.total

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_every_example_is_counted(self, whole: dict[str, Tuned], recipe: str) -> None:
        done = whole[recipe]
        assert is_sampled(done)
        searched = [stored.run.curve.cost for stored in done.stored() if stored.purpose == "search"]
        spent = sum(cost.full_trainings(full_training_examples=done.task.full_training_examples) for cost in searched)
        assert 0 < done.plan.cost.search - spent < 0.03  # the check; the time model was given

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_gradient_samples_cost_their_examples(self, whole: dict[str, Tuned], recipe: str) -> None:
        """Beyond its updates a run's price is that of its gradients, micro-batch by micro-batch."""
        for stored in whole[recipe].stored():
            spec, cost = stored.run.spec, stored.run.curve.cost
            extra = sum(sample.n_micro_batches * sample.micro_batch_size for sample in stored.run.curve.gradients)
            if stored.run.curve.outcome == "finished":
                assert cost.trained_examples == spec.total_steps * spec.settings.batch_size + extra


class TestResume:
    @pytest.mark.parametrize("recipe", RECIPES)
    @pytest.mark.parametrize(("seconds", "budget"), [(flat, 1.0), pytest.param(flat, 2.0, marks=SLOW), pytest.param(in_proportion, 1.0, marks=SLOW)])
    def test_a_study_interrupted_anywhere_ends_with_the_same_bytes(self, tmp_path: Path, recipe: str, seconds: Callable[[int], float], budget: float) -> None:
        uncut = study_of(tmp_path / "whole", recipe=recipe, seconds=seconds, budget=budget)
        folder, times = tmp_path / "cut" / "study", machine(tmp_path / "cut", seconds)
        plan, interrupts, every = None, 0, max(40, uncut.heard.updates // 7)
        while plan is None:
            try:
                plan = tune(larger(), out=folder, recipe=recipe, budget=budget, progress=Heard(interrupt_after=every), time_model=times)
            except KeyboardInterrupt:
                interrupts += 1
                every = every * 4 // 3  # so that a run that is longer than this ends at last
        assert interrupts >= 3
        assert (folder / "plan.toml").read_bytes() == (uncut.folder / "plan.toml").read_bytes()
        assert dataclasses.replace(plan, cost=uncut.plan.cost) == uncut.plan
        assert [strip(experiment) for experiment in experiments_of(folder)] == [strip(experiment) for experiment in experiments_of(uncut.folder)]

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_a_resumed_study_keeps_the_time_model_that_it_was_given(self, whole: dict[str, Tuned], tmp_path: Path, recipe: str) -> None:
        heard = Heard()
        again = tune(larger(), out=whole[recipe].copy(tmp_path / "copy"), recipe=recipe, progress=heard)
        assert again == whole[recipe].plan
        assert heard.costs == []

    @SLOW
    def test_another_time_model_changes_the_choice_and_nothing_that_was_run_is_run_again(self, tmp_path: Path) -> None:
        first = study_of(tmp_path, recipe="report")
        assert first.plan.batch_size > 64
        heard = Heard()
        slow = machine(tmp_path, in_proportion, name="slow")
        second = tune(larger(), out=first.folder, recipe="report", progress=heard, time_model=slow)
        assert second.batch_size < 64
        whole = study_of(tmp_path / "whole", recipe="report", seconds=in_proportion)
        assert second == dataclasses.replace(whole.plan, cost=second.cost)
        assert heard.updates < whole.heard.updates


def strip(experiment: Experiment) -> Experiment:
    """Without seconds that a clock measured."""

    def timeless(run: Run) -> Run:
        return dataclasses.replace(run, curve=dataclasses.replace(run.curve, cost=dataclasses.replace(run.curve.cost, seconds=0.0)))

    return dataclasses.replace(experiment, arms=tuple(dataclasses.replace(arm, run=timeless(arm.run)) for arm in experiment.arms))


TASK = """
import torch
from torch import nn
from torch.nn import functional as F
import tunesmith as ts

def task():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(1000, 8, generator=generator)
    targets = (inputs[:, :3] + torch.randn(1000, 3, generator=generator)).argmax(dim=1)
    return ts.Task(
        model=lambda: nn.Linear(8, 3), train=(inputs[:800], targets[:800]), valid=(inputs[800:], targets[800:]), loss=F.cross_entropy,
        epochs=40, current=ts.Settings(lr=0.01, batch_size=16, epochs=2),
    )
"""


@pytest.mark.slow
def test_the_plan_has_the_same_bytes_with_two_workers(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TASK, encoding="utf-8")
    reference, times = f"{tmp_path / 'train.py'}:task", machine(tmp_path, flat)
    plans = []
    for workers in (1, 2):
        out = tmp_path / f"runs-{workers}"
        plans.append(tune(load_task(reference), out=out, workers=workers, reference=reference, time_model=times, device="cpu", fixed={"momentum": 0.9}))
    assert plans[0].batch_size > 16
    assert (tmp_path / "runs-1" / "plan.toml").read_bytes() == (tmp_path / "runs-2" / "plan.toml").read_bytes()


def with_batch_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(INPUTS, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))


def batch_maker() -> Task:
    inputs, labels = blobs(1280)

    def train(batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        return ((inputs[chunk], labels[chunk]) for chunk in torch.randperm(1280, generator=generator).split(batch_size))

    def valid(batch_size: int, _generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
        return zip(*(part.split(batch_size) for part in blobs(128, 1)), strict=True)

    return larger(train=train, valid=valid, examples_per_epoch=1280)


def by_accuracy() -> Task:
    return larger(metrics={"accuracy": Metric(accuracy, higher_is_better=True)}, goal="accuracy")


class TestTasks:
    @pytest.mark.parametrize("recipe", RECIPES)
    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda: larger(model=with_batch_norm), id="batch norm"),
            pytest.param(batch_maker, id="batch maker"),
            pytest.param(by_accuracy, id="metric"),
            pytest.param(lambda: larger(optimizer="adamw"), id="adamw", marks=SLOW),
            pytest.param(lambda: larger(optimizer="adam"), id="adam", marks=SLOW),
            pytest.param(lambda: dataclasses.replace(larger(), micro_batch_size=6), id="micro-batches", marks=SLOW),
            pytest.param(lambda: larger(current=Settings(lr=0.05, batch_size=16, epochs=5)), id="current", marks=SLOW),
        ],
    )
    def test_a_batch_size_is_chosen_for_every_kind_of_task(self, tmp_path: Path, make: Callable[[], Task], recipe: str) -> None:
        done = study_of(tmp_path, make(), recipe=recipe)
        assert done.plan.outcome in (StudyOutcome.RECOMMENDED, StudyOutcome.NO_DIFFERENCE)
        assert done.plan.cost.search <= 1
        assert is_sampled(done)
        assert findings(done.plan)["batch_size"].value == done.plan.batch_size
        agrees(done.plan)

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_forty_examples_leave_hardly_a_choice_and_no_error(self, tmp_path: Path, recipe: str) -> None:
        """The first is half of them, as without a choice; another takes at most a quarter, and 8 at least."""
        done = study_of(tmp_path, make_task(train=blobs(40), epochs=400), recipe=recipe)
        assert done.plan.settings is not None
        assert sizes_of(done) <= {20, 10}
        agrees(done.plan)

    def test_both_rankings_are_told_where_the_task_has_a_metric(self, tmp_path: Path) -> None:
        done = study_of(tmp_path, larger(metrics={"accuracy": Metric(accuracy, higher_is_better=True)}), recipe="report", seconds=in_proportion)
        assert len([arm for arm in compared(done).arms if arm.value is not None]) > 1
        assert "Best first, by loss" in findings(done.plan)["batch_size"].evidence
        assert "by accuracy" in findings(done.plan)["batch_size"].evidence


def agrees(plan: Plan) -> None:
    """Whether the findings tell the plan's own values, each inside its interval, and the choice what moved it."""
    assert plan.settings is not None
    found = findings(plan)
    told = {
        "max_lr": plan.max_lr,
        "weight_decay": plan.weight_decay,
        "momentum": plan.settings.momentum,
        "batch_size": plan.batch_size,
        "length": plan.total_steps,
    }
    for kind, value in told.items():
        if kind in found and found[kind].value is not None:
            assert found[kind].value == value, kind
    for finding in plan.findings:
        assert finding.evidence
        if finding.value is not None and finding.interval is not None:
            assert finding.interval[0] <= finding.value <= finding.interval[1], finding
    assert ("noise_scale" in found) == ("lr_exponent" in found)
    if "lr_exponent" in found:
        assert found["lr_exponent"].value is not None
        assert 0 <= found["lr_exponent"].value <= 1


class TestPlan:
    @pytest.mark.parametrize("recipe", RECIPES)
    @pytest.mark.parametrize("seconds", [flat, pytest.param(in_proportion, marks=SLOW), pytest.param(lambda size: 1e-3 + 1e-5 * size, marks=SLOW)])
    def test_its_findings_agree_with_its_values_and_come_back_from_the_file(self, tmp_path: Path, recipe: str, seconds: Callable[[int], float]) -> None:
        done = study_of(tmp_path, recipe=recipe, seconds=seconds)
        agrees(done.plan)
        assert {"batch_size", "noise_scale", "lr_exponent", "throughput"} <= set(findings(done.plan))
        again = Plan.load(done.folder / "plan.toml")
        assert (again.batch_size, again.max_lr, again.weight_decay, again.total_steps) == (
            done.plan.batch_size, done.plan.max_lr, done.plan.weight_decay, done.plan.total_steps,
        )  # fmt: skip
        for kind in ("batch_size", "noise_scale", "lr_exponent"):
            assert findings(again)[kind] == findings(done.plan)[kind]

    def test_experiments_come_in_the_order_of_the_decisions(self, whole: dict[str, Tuned]) -> None:
        names = {recipe: [experiment.probe for experiment in experiments_of(done.folder)] for recipe, done in whole.items()}
        assert names["ladder"] == ["bracket", "lr_range", "ladder", "batch_size", "confirm"]
        assert names["report"] == ["bracket", "lr_range", "peak_lr", "batch_size", "momentum", "weight_decay", "confirm"]  # none of them starves a later one

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_what_was_compared_is_stored_with_its_times_and_contenders(self, whole: dict[str, Tuned], recipe: str) -> None:
        done = whole[recipe]
        made = compared(done)
        assert made.times is not None
        assert made.times.n_train == 1280
        assert made.times.seconds_per_step == dict.fromkeys((16, 32, 64, 128, 256), 1e-3)
        assert done.plan.batch_size in made.times.contenders
        assert set(made.times.contenders) <= set(made.times.seconds_per_step)
        assert made.arms[0].run.spec.settings.batch_size == 64
        assert made.findings[0].value == done.plan.batch_size

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_runs_that_are_compared_take_the_same_time_from_the_same_seed_on_the_same_slice(self, tmp_path: Path, recipe: str) -> None:
        done = study_of(tmp_path, recipe=recipe, budget=2.0, seconds=in_proportion if recipe == "report" else lambda size: 1e-3 * (1 + size / 1000))
        made = compared(done)
        assert made.times is not None
        specs = [arm.run.spec for arm in made.arms if arm.value is not None]
        assert len(specs) > 1
        assert len({(spec.seed, spec.valid_examples, spec.evaluations) for spec in specs}) == 1
        seconds = [spec.total_steps * made.times.seconds_per_step[spec.settings.batch_size] for spec in specs]
        slowest = max(made.times.seconds_per_step[spec.settings.batch_size] for spec in specs)
        assert max(seconds) - min(seconds) <= slowest

    def test_the_ladders_length_makes_the_same_progress_at_another_size(self, whole: dict[str, Tuned]) -> None:
        """What is confirmed first is, but for the cap of the task's epochs, one of the lengths that the ladder weighs, carried by the noise scale."""
        done = whole["ladder"]
        size, full = done.plan.batch_size, done.task.steps_at(64)
        assert size > 64
        scale = point_of(noise_of(compared(done)))
        assert scale is not None
        lengths = {stored.run.spec.total_steps for stored in done.stored() if stored.purpose == "search"} | {full // 8, full // 4, full // 2, full}
        first = next(stored.run.spec.total_steps for stored in done.stored() if stored.purpose == "confirm")
        assert first in {min(done.task.steps_at(size), round(steps * (1 + scale / size) / (1 + scale / 64))) for steps in lengths}
        told = findings(done.plan)
        assert f"updates at batch size 64; at {size} fewer make the same progress" in told["length"].evidence
        assert f"and from batch size 64 like B^{told['lr_exponent'].value:.2g}" in told["max_lr"].evidence

    @pytest.mark.parametrize("recipe", RECIPES)
    def test_a_report_is_written(self, whole: dict[str, Tuned], recipe: str) -> None:
        done = whole[recipe]
        assert f"{done.plan.batch_size}" in (done.folder / "report.html").read_text()


class TestLoading:
    def test_a_task_that_waits_for_its_data_is_found_out(self, tmp_path: Path) -> None:
        """By a time model whose seconds are mostly loading, as a slow loader would leave it."""
        path = tmp_path / "slow.json"
        seconds = {str(size): 1e-3 * (1 + size / 64) for size in SIZES}
        loading = {size: 0.8 * found for size, found in seconds.items()}
        path.write_text(json.dumps({"version": 1, "seconds_per_step": seconds, "loading_seconds": loading}))
        done = tuned(larger(), tmp_path, recipe="report", fixed={name: KNOBS[name] for name in ("lr", "momentum", "weight_decay")}, time_model=path)
        assert "loader_bound" in findings(done.plan)
        made = compared(done)
        assert made.times is not None
        assert made.times.loading_seconds == pytest.approx({size: 0.8e-3 * (1 + size / 64) for size in made.times.seconds_per_step})
        stored = json.loads((done.folder / "time_model.json").read_text())
        assert stored["loading_seconds"] == pytest.approx(loading)

    def test_loading_is_part_of_a_measured_update_and_most_of_it_where_data_are_slow(self) -> None:
        """Each batch is kept back for 3 ms, an update of 20 weights takes a fraction of that."""
        inputs, labels = blobs(320)

        def train(batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            for chunk in torch.randperm(320, generator=generator).split(batch_size):
                time.sleep(0.003)
                yield inputs[chunk], labels[chunk]

        def valid(batch_size: int, _generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
            return zip(*(part.split(batch_size) for part in blobs(128, 1)), strict=True)

        timing = measure_steps(make_task(model=mlp, train=train, valid=valid, examples_per_epoch=320), [8, 16], repeats=5)  # type: ignore[arg-type]
        for size in (8, 16):
            assert 0.003 <= timing.loading_seconds[size] < timing.seconds_per_step[size]
            assert math.isfinite(timing.seconds_per_step[size])
