"""The batch size by itself: options, which sizes are run, what is kept, what it costs."""

import json
import math
from pathlib import Path

import pytest
from tests.recipe.tiny import Heard, blobs, make_task, time_model

from tunesmith.errors import CurveError, InputError, StudyError
from tunesmith.recipe.batch_size import BatchSizeResult, batch_size
from tunesmith.recipe.time_model import TIME_MODEL_NAME, read_time_model
from tunesmith.study import Study
from tunesmith.task import Task

QUICK = {"lr": 0.05, "steps": 40}


def usual_task() -> Task:
    """2048 examples, 40 epochs: 1280 updates at the usual batch size, 64."""
    return make_task(train=blobs(2048), epochs=40)


def steep(folder: Path, *sizes: int) -> Path:
    """A machine on which a batch of any size takes the same time."""
    path = folder / "steep.json"
    path.write_text(json.dumps({"version": 1, "seconds_per_step": dict.fromkeys(map(str, sizes), 1e-3)}))
    return path


def ran(result: BatchSizeResult) -> dict[int, int]:
    """Batch size → updates of its runs."""
    return {size.batch_size: size.total_steps for size in result.reading.sizes if size.losses}


class TestSizes:
    def test_those_that_are_given_are_run_and_no_others(self, tmp_path: Path) -> None:
        result = batch_size(usual_task(), out=tmp_path / "study", sizes=(16, 100, 48), time_model=steep(tmp_path, 16, 48, 64, 100, 128), **QUICK)
        assert ran(result) == {16: 40, 48: 40, 100: 40}
        assert result.reading.base == 48  # the nearest to the usual 64
        assert result.reading.suggestion in (16, 48, 100)

    def test_the_first_one_is_run_beside_them_where_it_was_fixed(self, tmp_path: Path) -> None:
        options = {"sizes": (32,), "fixed": {"batch_size": 128}, "time_model": steep(tmp_path, 32, 128)}
        result = batch_size(usual_task(), out=tmp_path / "study", **options, **QUICK)  # type: ignore[arg-type]
        assert (set(ran(result)), result.reading.base) == ({32, 128}, 128)

    def test_otherwise_those_that_promise_to_be_faster_are_and_the_best_of_them_wins(self, tmp_path: Path) -> None:
        """Where any size takes a millisecond, the largest is the fastest."""
        sizes = (16, 32, 64, 128, 256)
        result = batch_size(usual_task(), out=tmp_path / "study", time_model=steep(tmp_path, *sizes), **QUICK)
        assert [size.batch_size for size in result.reading.sizes] == list(sizes)
        assert 64 in ran(result)
        assert max(ran(result)) == 256
        assert result.reading.suggestion > 64

    def test_each_gets_the_time_of_the_first(self, tmp_path: Path) -> None:
        result = batch_size(usual_task(), out=tmp_path / "study", sizes=(32, 64, 128), time_model=time_model(tmp_path), **QUICK)
        assert {round(size.seconds / (40 * 1e-3 * (1 + 64 / 256)), 1) for size in result.reading.sizes} == {1.0}

    def test_with_three_seeds_the_noise_decides(self, tmp_path: Path) -> None:
        options = {"sizes": (16, 64), "time_model": steep(tmp_path, 16, 64), "repeats": 3}
        result = batch_size(usual_task(), out=tmp_path / "study", **options, **QUICK)  # type: ignore[arg-type]
        assert all(len(size.losses) == 3 for size in result.reading.sizes)
        assert {size.state for size in result.reading.sizes} <= {"best", "close", "worse", "unsteady"}
        assert "3 seeds" in result.reading.findings[0].evidence
        worse = [size.batch_size for size in result.reading.sizes if size.state == "worse"]
        assert result.reading.suggestion not in worse


class TestHeld:
    def test_what_is_fixed_is_used(self, tmp_path: Path) -> None:
        fixed = {"momentum": 0.8, "weight_decay": 1e-3, "epochs": 10, "batch_size": 32}
        batch_size(usual_task(), out=tmp_path / "study", sizes=(32, 64), schedule="cosine", fixed=fixed, time_model=time_model(tmp_path), **QUICK)
        with Study.open(tmp_path / "study") as study:
            runs = [stored.run.spec for stored in study.runs()]
            (experiment,) = study.experiments()
        assert {(run.settings.momentum, run.settings.min_momentum, run.settings.schedule) for run in runs} == {(0.8, None, "cosine")}
        at_first = next(run for run in runs if run.settings.batch_size == 32)
        assert at_first.settings.weight_decay == pytest.approx(1e-3 * 640 / 40)
        assert (experiment.probe, experiment.arms[0].run.spec.settings.batch_size) == ("batch_size", 32)

    def test_without_a_rate_a_range_test_finds_one(self, tmp_path: Path) -> None:
        heard = Heard()
        result = batch_size(usual_task(), out=tmp_path / "study", time_model=time_model(tmp_path), steps=40, progress=heard)
        assert heard.stages[0] == "lr_range"
        assert result.reading.lr is not None

    def test_where_that_suggests_none_it_says_so(self, tmp_path: Path) -> None:
        flat = make_task(loss=lambda output, _target: 0 * output.sum() + 1)
        with pytest.raises(CurveError):
            batch_size(flat, out=tmp_path / "study", time_model=time_model(tmp_path))


class TestTimes:
    def test_the_model_that_is_given_is_kept_and_needs_no_second_giving(self, tmp_path: Path) -> None:
        first = batch_size(usual_task(), out=tmp_path / "study", time_model=time_model(tmp_path), **QUICK)
        assert batch_size(usual_task(), out=tmp_path / "study", **QUICK) == first

    @pytest.mark.parametrize("options", [{"fixed": {"batch_size": 50}}, {"sizes": (64, 50)}])
    def test_another_machines_must_hold_what_is_asked_for(self, tmp_path: Path, options: dict) -> None:
        with pytest.raises(InputError, match="must hold every batch size that is asked for, and this one, of another machine, lacks 50"):
            batch_size(usual_task(), out=tmp_path / "study", time_model=time_model(tmp_path), **options, **QUICK)

    def test_what_the_studys_own_lacks_is_timed_and_what_it_has_stays(self, tmp_path: Path) -> None:
        batch_size(usual_task(), out=tmp_path / "study", **QUICK)
        before = read_time_model(tmp_path / "study" / TIME_MODEL_NAME)
        result = batch_size(usual_task(), out=tmp_path / "study", sizes=(50, 64, 100), **QUICK)
        after = read_time_model(tmp_path / "study" / TIME_MODEL_NAME)
        assert set(ran(result)) == {50, 64, 100}
        assert before.seconds_per_step.items() <= after.seconds_per_step.items()
        assert {50, 100} == set(after.seconds_per_step) - set(before.seconds_per_step)
        assert after.trained_examples > before.trained_examples


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"sizes": ()}, "sizes must be whole numbers from 1 to the 320"),
            ({"sizes": (0, 32)}, "got 0"),
            ({"sizes": (32, 321)}, "got 321"),
            ({"sizes": (32.5,)}, "got 32.5"),
            ({"fixed": {"batch_size": 1000}}, "between 1 and the 320 training examples, got 1000"),
            ({"fixed": {"batch_size": 64.5}}, "must be a whole number .* got 64.5"),
            ({"fixed": {"lr": 0.1}}, "must name one of batch_size, momentum, weight_decay, epochs, got 'lr'"),
            ({"fixed": {"momentum": 1.0}}, "Settings.momentum must be in"),
            ({"lr": math.inf}, "lr must be finite and > 0"),
            ({"steps": 5}, "at least 20 steps"),
            ({"repeats": 0}, "repeats must be ≥ 1"),
            ({"schedule": "cosin"}, "schedule must be one of"),
            ({"time_model": "nowhere.json"}, "A time model must be JSON"),
        ],
    )
    def test_before_anything_is_written(self, tmp_path: Path, options: dict, words: str) -> None:
        with pytest.raises(InputError, match=words):
            batch_size(make_task(), out=tmp_path / "study", **options)
        assert not (tmp_path / "study").exists()

    def test_a_folder_of_another_probe(self, tmp_path: Path) -> None:
        from tunesmith.recipe import knobs  # noqa: PLC0415 (used once)

        knobs.momentum(make_task(), out=tmp_path / "study", values=(0.8, 0.9), repeats=2, **QUICK)
        with pytest.raises(StudyError, match="one of 'momentum', not 'batch_size'"):
            batch_size(make_task(), out=tmp_path / "study")

    def test_interrupted_it_goes_on(self, tmp_path: Path) -> None:
        options = {"sizes": (32, 64), "time_model": time_model(tmp_path), **QUICK}
        with pytest.raises(KeyboardInterrupt):
            batch_size(usual_task(), out=tmp_path / "study", progress=Heard(interrupt_after=60), **options)  # type: ignore[arg-type]
        whole = batch_size(usual_task(), out=tmp_path / "whole", **options)  # type: ignore[arg-type]
        heard = Heard()
        again = batch_size(usual_task(), out=tmp_path / "study", progress=heard, **options)  # type: ignore[arg-type]
        assert again.reading == whole.reading
        assert heard.updates < 60


class TestCost:
    def spent(self, task: Task, folder: Path) -> float:
        with Study.open(folder) as study:
            runs = sum(stored.run.curve.cost.full_trainings(full_training_examples=task.full_training_examples) for stored in study.runs())
            fit = study.notes["what fits at once"]
        assert isinstance(fit, dict)
        looked = read_time_model(folder / TIME_MODEL_NAME).trained_examples + int(str(fit["trained_examples"]))
        return runs + looked / task.full_training_examples

    def test_with_a_rate_it_is_at_most_15_hundredths_of_a_training_of_usual_size(self, tmp_path: Path) -> None:
        """10 240 updates at 64: what fits, a run at 64 with samples of gradients, and a rival's, which sees 16 times as many examples in the same time."""
        task = make_task(train=blobs(16_384), epochs=40)
        result = batch_size(task, out=tmp_path / "study", lr=0.05, time_model=steep(tmp_path, 16, 64, 256, 1024))
        assert set(ran(result)) == {64, 1024}
        assert self.spent(task, tmp_path / "study") <= 0.15 + 1e-9
