"""The batch bench: its arithmetic on made-up rows, and its steps on a task of milliseconds."""

import contextlib
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.batch.__main__ import main
from benchmarks.batch.collect import JUDGED, Choice, TaskSummary, task_summary
from benchmarks.batch.equal import Pair, at_equal_seconds, differences, pooled_spread
from benchmarks.batch.lengths import Schedule, lengths, seconds_per_step
from benchmarks.batch.making import measure, modelled_seconds, stage_cost, train
from benchmarks.batch.rows import Planned, TaskRows, Wanted
from benchmarks.batch.shares import OURS, share_of, stage_costs
from benchmarks.batch.table import table
from benchmarks.batch.truth import Truth, time_to_target
from benchmarks.batch.work import RETRAINING_SEEDS, TRUTH_STUDIES, candidates, free_and_fixed, truth_plan, truth_schedules, truth_seeds, truth_sizes
from benchmarks.proof.command import RESULTS
from benchmarks.proof.tasks import BenchTask, find_tasks

from tunesmith.cost import Cost
from tunesmith.curve import Curve, Run
from tunesmith.experiment import Arm, Experiment
from tunesmith.recipe.time_model import read_time_model
from tunesmith.schedules import total_decay
from tunesmith.settings import RunSpec, Settings
from tunesmith.study import Study

SETTINGS = Settings(lr=0.1, min_lr=0.01, momentum=0.95, min_momentum=0.85, weight_decay=1e-3, batch_size=64)
TIMES = {32: 0.01, 64: 0.01, 128: 0.02}
TINY = """
import torch
from torch import nn
from torch.nn import functional as F
import tunesmith as ts

def part(n, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, generator=generator)
    return x, (x.sum(dim=1) > 0).long()

def task():
    return ts.Task(model=lambda: nn.Linear(4, 2), train=part(64, 0), valid=part(32, 1), test=part(32, 2), loss=F.cross_entropy, epochs=60)
"""


def truth(curves: dict[int, dict[int, list[float]]], *, candidates: tuple[int, ...] = (32, 64, 128)) -> Truth:
    return Truth(losses=curves, seconds_per_step=TIMES | {16: 0.01}, candidates=candidates)


def planned(batch_size: int | None, *, stage_cost: float = 0.1) -> Planned:
    schedule = None if batch_size is None else Schedule(settings=replace(SETTINGS, batch_size=batch_size), total_steps=100)
    return Planned(schedule=schedule, outcome="recommended", cost={"total": 2.0}, stage_cost=stage_cost, study_seconds=4.0, is_current=True)


def summary(name: str, known: Truth, chosen: list[int | None], *, pairs: list[Pair] | None = None) -> TaskSummary:
    choices = [
        Choice(study=at, free=planned(size, stage_cost=0.1 * at), fixed=planned(64), pair=None if pairs is None else pairs[at])
        for at, size in enumerate(chosen)
    ]
    return TaskSummary(
        name=name, truths={"valid": known, "test": known}, alone={"valid": [32], "test": [32]}, candidates=known.candidates, choices=choices, n_older=0
    )


def pair(free: tuple[float, ...], fixed: tuple[float, ...]) -> Pair:
    return Pair(free=free, fixed=fixed, free_whole=free, fixed_whole=fixed, seconds=1.0, free_seconds=1.0, fixed_seconds=2.0)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_another_length_keeps_the_total_decay_and_moves_the_peak_by_its_fourth_root(optimizer: str) -> None:
    whole = Schedule(settings=SETTINGS, total_steps=1600)
    short = whole.at_length(100)
    assert (short.settings.lr, short.settings.min_lr) == (pytest.approx(0.2), pytest.approx(0.02))
    decays = [total_decay(one.settings, total_steps=one.total_steps, optimizer_name=optimizer) for one in (whole, short)]
    assert decays[1] == pytest.approx(decays[0], rel=0.02)  # a cycle of few updates hits its corners on whole steps


def test_a_full_training_of_few_updates_has_fewer_lengths() -> None:
    assert lengths(6400) == [100, 200, 400, 800, 1600, 3200, 6400]
    assert lengths(100) == [16, 25, 50, 100]


def test_seconds_between_timed_sizes_lie_between_them_and_grow_with_the_batch_beyond() -> None:
    assert 0.01 < seconds_per_step(TIMES, 96) < 0.02
    assert (seconds_per_step(TIMES, 8), seconds_per_step(TIMES, 512)) == (0.01, 0.08)


@pytest.mark.parametrize(
    ("curve", "seconds"),
    [
        ({10: 0.9, 40: 0.5}, 10.0),  # at the shortest length
        ({10: 2.0, 40: 1.0, 160: 0.5}, 40.0),
        ({10: 3.0, 40: 2.0, 160: 0.0}, 80.0),  # half way on the logarithm
        ({10: 3.0, 40: 1.2}, math.inf),
        ({10: 1.2, 40: 0.8, 160: 3.0}, 20.0),  # overfits after that
        ({10: math.inf, 40: 0.5}, 40.0),  # nothing to interpolate from
        ({}, math.inf),
    ],
)
def test_time_to_target(curve: dict[int, float], seconds: float) -> None:
    assert time_to_target(curve, 1.0, seconds_per_step=1.0) == pytest.approx(seconds)


def test_losses_of_all_studies_are_pooled_by_their_median() -> None:
    known = truth({32: {100: [1.0, 1.0, 9.0], 200: [0.9, math.inf, 1.1]}, 64: {50: [1.05] * 3}, 128: {25: [2.0, math.inf, math.inf]}})
    assert known.medians == {32: {100: 1.0, 200: 1.1}, 64: {50: 1.05}, 128: {25: math.inf}}
    assert known.target == pytest.approx(1.05)
    assert known.times == pytest.approx({32: 1.0, 64: 0.5, 128: math.inf})
    assert known.best == 64
    assert [known.ratio(size) for size in (32, 64, 128, 256)] == [pytest.approx(2.0), 1.0, math.inf, None]


def test_the_margin_of_the_target_is_told_in_spreads() -> None:
    known = truth({32: {100: [0.9, 1.0, 1.1], 200: [5.0, 2.0, 2.0]}, 64: {100: [2.0, 3.0, 4.0]}, 128: {100: [math.inf] * 3}})
    assert (known.lowest(32), known.margin_spreads) == ((100, 1.0), pytest.approx(0.5))


def test_a_chosen_size_is_no_candidate_and_may_beat_the_best() -> None:
    known = truth({16: {10: [0.5]}, 32: {100: [1.0]}, 64: {100: [1.2]}, 128: {100: [1.2]}})
    assert known.target == pytest.approx(1.05)
    assert (known.best, known.ratio(16)) == (32, pytest.approx(0.1))


def test_a_negative_loss_has_its_target_above_it_and_a_lost_task_has_none() -> None:
    assert truth({32: {100: [-1.0]}}, candidates=(32,)).target == pytest.approx(-0.95)
    lost = truth({32: {100: [math.inf]}}, candidates=(32,))
    assert (lost.best, lost.ratio(32)) == (None, None)


def test_the_shares_count_pairs_for_ours_and_tasks_for_a_rule() -> None:
    slow_alone = truth({32: {100: [1.0]}, 64: {105: [1.0]}, 128: {100: [1.0]}})  # 1.0, 1.05 and 2.0 s
    small_alone = truth({32: {100: [1.0]}, 64: {100: [2.0]}, 128: {100: [2.0]}})
    tasks = [summary(JUDGED[0], slow_alone, [32, 64, 128, None]), summary("another", small_alone, [32, 256])]
    ours = share_of(OURS, tasks, on="valid")
    assert (ours.n, ours.n_close, ours.worst) == (6, 3, math.inf)
    assert ours.interval == pytest.approx((0.188, 0.812), abs=1e-3)
    assert [(found.n, found.n_close) for rule in ("always 32", "always 64", "largest that fits") if (found := share_of(rule, tasks, on="valid"))] == [
        (2, 2),
        (2, 1),
        (2, 0),
    ]
    assert share_of(OURS, tasks[:1], on="valid").n == 4
    assert stage_costs(tasks) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.0, 0.1])


def test_a_task_with_too_few_candidates_never_gets_a_rule_it_cannot_have() -> None:
    known = truth({32: {100: [1.0]}}, candidates=(32,))
    assert share_of("always 64", [summary("a", known, [])], on="valid").n_close == 0


def test_the_longer_plan_is_shortened_to_the_seconds_of_the_other() -> None:
    free, fixed = Schedule(settings=replace(SETTINGS, batch_size=128), total_steps=100), Schedule(settings=SETTINGS, total_steps=1000)  # 2 and 10 s
    same, shorter = at_equal_seconds(free, fixed, times=TIMES)
    assert same is free
    assert (shorter.total_steps, shorter.settings.lr) == (200, pytest.approx(0.1 * 5**0.25))
    assert at_equal_seconds(fixed, fixed, times=TIMES) == (fixed, fixed)


def test_differences_are_in_spreads_of_the_task() -> None:
    pairs = [pair((1.0, 1.2, 1.4), (1.2, 1.4, 1.6)), pair((2.0, 2.2, 2.4), (1.6, 1.8, 2.0)), pair((1.0,) * 2 + (math.inf,), (1.0, 1.2, 1.4))]
    assert pooled_spread([group for one in pairs for group in (one.free, one.fixed)]) == pytest.approx(0.2)
    assert differences(pairs) == pytest.approx([-1.0, 2.0, math.inf])
    lost = (math.inf,) * 3
    assert differences([pair(lost, lost), pair((1.0, 1.0, 1.0), lost)]) == [0.0, -math.inf]


def test_the_page_says_what_is_chosen_how_near_and_whether_it_pays() -> None:
    known = truth({32: {100: [1.0]}, 64: {105: [1.0]}, 128: {100: [1.0]}})
    pairs = [pair((1.0, 1.2, 1.4), (1.2, 1.4, 1.6)), pair((1.0, 1.2, 1.4), (1.0, 1.2, 1.4))]
    page = table([summary(JUDGED[0], known, [32, 128], pairs=pairs)], command="c", machines=[])
    assert f"| **{JUDGED[0]}** | 1.0500 | 1 (1.00) | 1.05 (1.05) | 2 (2.00) | - | - | 32 | 32 |" in page
    assert f"| **{JUDGED[0]}** | 32 128 | 1.00 2.00 | recommended | 0.000 0.100 |" in page
    assert "| the judged | tune, batch free | 1 of 2 | 0.50 |" in page
    assert "| all | 2 | 0.050 | 0.100 | 2 of 2 |" in page
    assert f"| **{JUDGED[0]}** | 0.2000 | -1.0 +0.0 | -0.5 | yes | yes |" in page
    assert "Worse by more than a spread on 0 of 1 tasks, better on 1 of 1." in page


def tiny(folder: Path) -> BenchTask:
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "tasks" / "tiny.py").write_text(TINY)
    return find_tasks(None, folder=folder / "tasks")[0]


def bench(folder: Path, *options: str) -> tuple[int, str, str]:
    said, heard = io.StringIO(), io.StringIO()
    places = ["--task-folder", str(folder / "tasks"), "--rows", str(folder / "rows"), "--out", str(folder)]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(heard):
        code = main([*places, "--seeds", "1", *options])
    return code, said.getvalue(), heard.getvalue()


def put_times(rows: TaskRows) -> None:
    seconds = {str(size): 1e-4 * (1 + size / 64) for size in (8, 16, 32, 64)}
    rows.rows.put(rows.key("times"), {"seconds_per_step": seconds, "n_train": 64, "full_training_examples": 3840.0, "untuned": Settings().to_dict()})


def put_plan(rows: TaskRows, wanted: Wanted, settings: Settings | None, *, steps: int = 120) -> None:
    value = {"outcome": "recommended", "settings": None if settings is None else settings.to_dict(), "total_steps": steps}
    rows.rows.put(rows.plan_key(wanted), value | {"cost": {"total": 2.0}, "stage_cost": 0.05, "study_seconds": 3.0})


def test_rows_of_an_earlier_code_are_kept_and_marked(tmp_path: Path) -> None:
    task = tiny(tmp_path)
    before, now = (TaskRows(tmp_path / "rows", task, package=package) for package in ("before", "now"))
    put_times(before)
    for study in TRUTH_STUDIES:
        settings = None if study == 2 else replace(SETTINGS, batch_size=32, lr=0.1 + study)
        put_plan(before, truth_plan(32, study), settings)
        sizes, found = before.sizes(), before.plan(truth_plan(32, study))
        assert sizes is not None
        assert found is not None
        for schedule in [] if found.schedule is None else truth_schedules(found.schedule, sizes):
            for seed in truth_seeds(study):
                before.rows.put(before.training_key(schedule, seed=seed), {"valid": 1.0 / schedule.total_steps, "test": None})
    known = task_summary(now, n_seeds=1)
    assert (known.candidates, known.n_older) == ((32,), 3)
    assert known.truths["valid"].best == 32
    assert known.truths["valid"].losses[32][120] == [1 / 120] * 4 + [math.inf] * 2  # the third study ended without settings
    assert known.truths["test"].best is None
    assert known.alone["valid"] == [32, 32, None]
    put_plan(now, truth_plan(32, 0), replace(SETTINGS, batch_size=32, lr=7.0))
    assert task_summary(now, n_seeds=1).n_older == 2
    assert not task_summary(now, n_seeds=1).truths  # its trainings are missing


def test_a_study_without_settings_is_trained_untuned(tmp_path: Path) -> None:
    rows = TaskRows(tmp_path / "rows", tiny(tmp_path), package="now")
    put_times(rows)
    free, fixed = free_and_fixed(0)
    put_plan(rows, free, None)
    put_plan(rows, fixed, replace(SETTINGS, batch_size=64), steps=30)
    untuned = Schedule(settings=Settings(), total_steps=60)
    shortened = untuned.at_length(30)
    for schedule, loss in ((untuned, 0.5), (shortened, 0.6), (Schedule(settings=SETTINGS, total_steps=30), 0.4)):
        for seed in RETRAINING_SEEDS:
            rows.rows.put(rows.training_key(schedule, seed=seed), {"valid": loss, "test": loss})
    assert rows.chosen_sizes() == set()
    (found,) = task_summary(rows, n_seeds=5).pairs
    assert (found.free, found.fixed, found.free_whole, found.fixed_whole) == ((0.6,) * 3, (0.4,) * 3, (0.5,) * 3, (0.4,) * 3)
    assert found.free_seconds == pytest.approx(2 * found.fixed_seconds)


def test_a_chosen_size_beside_the_candidates_is_trained_too(tmp_path: Path) -> None:
    rows = TaskRows(tmp_path / "rows", tiny(tmp_path), package="now")
    put_times(rows)
    sizes, (free, fixed) = rows.sizes(), free_and_fixed(0)
    assert sizes is not None
    for package, size in (("before", 8), ("now", 16)):
        put_plan(TaskRows(tmp_path / "rows", rows.task, package=package), free, replace(SETTINGS, batch_size=size))
    put_plan(rows, fixed, SETTINGS)
    assert truth_sizes(rows, sizes) == [16, 32]
    assert candidates(sizes) == (32,)


def test_the_choice_costs_what_only_it_asked_for_and_the_charges_but_the_check(tmp_path: Path) -> None:
    def run(seed: int) -> Run:
        spec = RunSpec(settings=SETTINGS, total_steps=1, seed=seed)
        curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(1.0,), eval_step=(1,), valid_loss=(1.0,), cost=Cost(trained_examples=64, evaluated_examples=192))
        return Run(spec=spec, curve=curve)

    rows = TaskRows(tmp_path / "rows", tiny(tmp_path), package="")
    put_times(rows)
    sizes, runs = rows.sizes(), [run(seed) for seed in range(3)]
    assert sizes is not None
    with Study.create(tmp_path / "study", fingerprint="f00d", description={"full_training_examples": 640.0}) as study:
        for one in runs:
            study.add(one, purpose="search")
        for probe, held in (("ladder", runs[:2]), ("batch_size", runs[1:])):
            study.put_experiment(Experiment(probe=probe, arms=tuple(Arm(label=probe, value=None, run=one) for one in held)))
        study.charge("check", Cost(trained_examples=1000), purpose="search")
        study.charge("noise", Cost(trained_examples=64), purpose="search")
    with Study.open(tmp_path / "study") as study:
        assert stage_cost(study) == Cost(trained_examples=128, evaluated_examples=192)
        # Three runs of two updates' worth, charges of 16.6 updates' worth, 2e-4 s each.
        assert modelled_seconds(study, sizes) == pytest.approx(2e-4 * (6 + 1064 / 64))


def test_the_committed_table_is_what_the_rows_add_up_to(tmp_path: Path) -> None:
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        assert main(["--cached", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "batch.md").read_text() == (RESULTS / "batch.md").read_text()
    for path in sorted((RESULTS / "batch" / "time_models").iterdir()):
        rows = TaskRows(RESULTS / "batch", find_tasks([path.stem])[0], package="")
        sizes = rows.sizes()
        assert sizes is not None
        assert read_time_model(path).seconds_per_step == sizes.seconds_per_step


def test_trainings_end_where_the_committed_rows_say() -> None:
    rows = TaskRows(RESULTS / "batch", find_tasks(["digits_finetune"])[0], package="")  # its data ship with a package
    short = [(key, value) for key, value in rows.rows.all() if key["step"] == "training" and key["total_steps"] < 50]
    for key, value in short[:3]:
        schedule = Schedule(settings=Settings.from_dict(key["settings"]), total_steps=key["total_steps"])
        again = train(rows, schedule, seed=key["seed"])
        # The same bits on the machine that trained them; elsewhere sums may be taken in another order.
        assert (again["valid"], again["test"]) == (pytest.approx(value["valid"], rel=1e-2), pytest.approx(value["test"], rel=1e-2))


def test_bad_arguments_are_refused(tmp_path: Path) -> None:
    tiny(tmp_path)
    assert bench(tmp_path, "--tasks", "nothing")[0] == 2
    with pytest.raises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        main(["--steps", "nothing"])


@pytest.mark.slow
def test_updates_are_timed_at_every_size_that_the_data_give(tmp_path: Path) -> None:
    found = measure(TaskRows(tmp_path / "rows", tiny(tmp_path), package=""), n_rounds=2)
    assert list(found["seconds_per_step"]) == ["8", "16", "32", "64"]  # there are 64 examples
    assert all(0 < seconds < 0.1 for seconds in found["seconds_per_step"].values())
    assert (found["n_train"], found["full_training_examples"]) == (64, 3840.0)


@pytest.mark.slow
def test_every_step_goes_on_where_it_was_and_the_page_comes_from_the_rows(tmp_path: Path) -> None:
    rows = TaskRows(tmp_path / "rows", tiny(tmp_path), package="")
    assert bench(tmp_path, "--minutes", "0")[0] == 0
    put_times(rows)
    code, made, heard = bench(tmp_path)
    assert code == 0, heard
    assert "## At equal modelled seconds" in made
    assert json.loads(rows.time_model.read_text())["version"] == 1
    assert bench(tmp_path)[1:] == (made, "")  # nothing is missing any more
    assert bench(tmp_path, "--cached")[1:] == (made, "")
