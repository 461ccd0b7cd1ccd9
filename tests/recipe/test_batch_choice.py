"""The parts of a choice of batch size: candidates, gradient samples, and how a training is moved; on made-up times and gradients."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reading.test_batch_size import END, ENDLESS, SIZES, gradients, machine, sampled
from tests.reading.test_batch_size import experiment as made_experiment
from tests.recipe.test_workers import Listening
from tests.recipe.tiny import INPUTS, blobs, make_task
from torch import nn

from tunesmith.engine import check_task
from tunesmith.experiment import Experiment, SizeTimes
from tunesmith.reading.batch_size import BatchSizeReading, read_batch_size
from tunesmith.reading.batch_times import MOST_RISE, contenders
from tunesmith.recipe.batch_choice import FEWEST_UPDATES, candidate_sizes, kept, moved, sampling_of, timed
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.time_model import TimeModel
from tunesmith.schedules import total_decay
from tunesmith.settings import Settings
from tunesmith.study import Study
from tunesmith.task import Task
from tunesmith.thresholds import DEFAULT_THRESHOLDS

FREE = Limits(fixed={}, bounds={})
PLAN = Settings(lr=0.1, momentum=0.9, weight_decay=1e-3, batch_size=64, schedule="constant")


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    return laboratory(make_task(train=blobs(4096), epochs=40), tmp_path)


def laboratory(task: Task, folder: Path, *, budget: float = 1.0) -> Laboratory:
    study = Study.create(folder / "study", fingerprint="f00d", description={"full_training_examples": task.full_training_examples})
    return Laboratory(
        task=task, checked=check_task(task), study=study, budget=budget, seed=0, device="cpu", thresholds=DEFAULT_THRESHOLDS, progress=Listening()
    )  # fmt: skip


def bare(*, n_train: int, epochs: float) -> Task:
    """What candidates are chosen by."""
    return SimpleNamespace(n_train=n_train, full_training_examples=epochs * n_train)  # type: ignore[return-value]


class TestCandidates:
    def test_the_nearest_come_first_the_larger_before_the_smaller(self) -> None:
        assert candidate_sizes(bare(n_train=10**6, epochs=10), first=64, limits=FREE) == [64, 128, 32, 256, 16, 512, 1024]

    def test_what_is_fixed_is_alone_whatever_the_data_allow(self) -> None:
        assert candidate_sizes(bare(n_train=40, epochs=1), first=40, limits=Limits(fixed={"batch_size": 40}, bounds={})) == [40]

    @pytest.mark.parametrize(
        ("bounds", "sizes"), [((32, 128), [64, 128, 32]), ((64, 64), [64]), ((100, 300), [100, 200]), ((1, 20), [20, 10, 5]), ((48, 70), [64])]
    )
    def test_bounds_hold_for_every_one(self, bounds: tuple[float, float], sizes: list[int]) -> None:
        assert candidate_sizes(bare(n_train=10**6, epochs=10), first=64, limits=Limits(fixed={}, bounds={"batch_size": bounds})) == sizes

    @given(
        st.integers(2, 10**5), st.floats(0.1, 1000), st.integers(1, 600), st.none() | st.tuples(st.floats(1, 1000), st.floats(1, 1000)).map(sorted).map(tuple)
    )
    def test_every_one_fits_data_updates_and_bounds(self, n_train: int, epochs: float, first: int, bounds: tuple[float, float] | None) -> None:
        if bounds is not None and (math.ceil(bounds[0]) > min(bounds[1], n_train)):
            return  # no whole number lies in them: refused before
        sizes = candidate_sizes(
            bare(n_train=n_train, epochs=epochs), first=first, limits=Limits(fixed={}, bounds={} if bounds is None else {"batch_size": bounds})
        )
        assert len(set(sizes)) == len(sizes)
        assert all(isinstance(size, int) and 1 <= size <= n_train for size in sizes)
        assert all(size <= n_train / 4 and epochs * n_train / size >= FEWEST_UPDATES for size in sizes[1:])
        assert all(size % sizes[0] == 0 or sizes[0] % size == 0 for size in sizes)
        if bounds is not None:
            assert all(bounds[0] <= size <= bounds[1] for size in sizes)


class TestSampling:
    def times(self, seconds: Mapping[int, float]) -> TimeModel:
        return TimeModel(seconds_per_step=dict(seconds))

    @pytest.mark.parametrize(
        ("seconds", "is_sampled"),
        [
            ({64: 1.0, 128: 2.0, 256: 4.0, 32: 1.0}, False),  # no throughput to gain, and no time
            ({64: 1.0, 128: 1.8, 32: 0.9}, False),  # within 15 %
            ({64: 1.0, 128: 1.7}, True),
            ({64: 1.0, 32: 0.8}, True),
            ({64: 1.0}, False),
            ({128: 1.0}, False),  # the base is not known
            ({}, False),
        ],
    )
    def test_none_are_taken_where_no_size_can_be_faster_whatever_the_noise(self, *, lab: Laboratory, seconds: dict[int, float], is_sampled: bool) -> None:
        assert (sampling_of(lab, self.times(seconds), base=64) is not None) == is_sampled

    def test_they_cost_a_hundredth_of_the_budget_or_four_micro_batches(self, tmp_path: Path) -> None:
        for name, n, most in (("large", 16_384, 0.01), ("small", 512, 5 * 2 * 4 * 8 / (512 * 40))):
            lab = laboratory(make_task(train=blobs(n), epochs=40), tmp_path / name)
            sampling = sampling_of(lab, self.times({64: 1.0, 128: 1.0}), base=64)
            assert sampling is not None
            assert sampling.examples <= most * lab.full_training_examples
            assert sampling.micro_batches >= 4

    def test_a_micro_batch_is_no_larger_than_the_tasks_own_and_larger_with_batch_norm(self, tmp_path: Path) -> None:
        def normed() -> nn.Module:
            return nn.Sequential(nn.Linear(INPUTS, 16), nn.BatchNorm1d(16), nn.Linear(16, 4))

        for name, changes, size in (("plain", {}, 8), ("normed", {"model": normed}, 16), ("micro", {"micro_batch_size": 5}, 5)):
            task = dataclasses.replace(make_task(train=blobs(512)), **changes)  # type: ignore[arg-type]
            sampling = sampling_of(laboratory(task, tmp_path / name), self.times({64: 1.0, 128: 1.0}), base=64)
            assert sampling is not None
            assert sampling.micro_batch_size == size

    def test_a_batch_maker_that_may_give_no_other_size_is_asked_for_its_own(self, tmp_path: Path) -> None:
        task = make_task(train=lambda size, _generator: iter([blobs(size)]), examples_per_epoch=512)
        lab = laboratory(dataclasses.replace(task, micro_batch_size=32), tmp_path)
        for seconds, size in (({64: 1.0, 128: 1.0}, 32), ({64: 1.0, 128: 1.0, 16: 1.0}, 8)):
            sampling = sampling_of(lab, self.times(seconds), base=64)
            assert sampling is not None
            assert sampling.micro_batch_size == size

    def test_where_the_noise_scale_was_asked_for_they_are_always_taken(self, lab: Laboratory) -> None:
        times = self.times({64: 1.0, 128: 2.0})
        assert sampling_of(lab, times, base=64) is None
        assert sampling_of(lab, times, base=64, only_where_useful=False) is not None
        assert sampling_of(lab, times, base=32, only_where_useful=False) is None

    def test_too_few_data_for_two_micro_batches_take_none(self, tmp_path: Path) -> None:
        lab = laboratory(make_task(train=blobs(15), epochs=400), tmp_path)
        assert sampling_of(lab, self.times({2: 1.0, 4: 1.0}), base=2) is None


def experiment(seconds: Mapping[int, float], noise_scale: float, *, base: int = 64, slope: float = 0.0) -> Experiment:
    return timed([sampled(base, gradients(noise_scale))], TimeModel(seconds_per_step=dict(seconds)), sizes=sorted(seconds), n_train=ENDLESS, slope=slope)


class TestContenders:
    def test_the_fastest_comes_first_then_those_nearer_to_the_base_which_ends_them(self) -> None:
        assert contenders(experiment(machine(1e-2, 1e-6), 1000.0), base=64) == (512, 256, 128, 64)

    def test_a_smaller_size_may_be_one(self) -> None:
        assert contenders(experiment({16: 1.0, 32: 2.0, 64: 4.0}, 10.0), base=64)[0] == 16

    def test_the_base_is_alone_where_it_is_as_fast_as_any(self) -> None:
        assert contenders(experiment(machine(1e-3, 1e-5), 100.0), base=64) == (64,)

    def test_without_a_noise_scale_or_the_bases_time_it_is_too(self) -> None:
        blank = Experiment(probe="batch_size", arms=(), times=SizeTimes(seconds_per_step=machine(1e-2, 1e-6), n_train=ENDLESS))
        assert contenders(blank, base=64) == (64,)
        assert contenders(experiment({128: 1.0, 256: 1.0}, 100.0), base=64) == (64,)

    def test_where_half_of_the_base_is_as_fast_and_ends_much_lower_it_comes_first(self) -> None:
        seconds = {32: 1.0, 64: 1.6, 128: 2.9}  # 3.3, 3.1 and 3.8 seconds to a target at noise scale 75
        assert contenders(experiment(seconds, 75.0, slope=0.01), base=64) == (64,)
        assert contenders(experiment(seconds, 75.0, slope=0.3), base=64) == (32, 64)  # 64 would end with a tenth more

    @given(st.floats(1e-6, 1e-1), st.floats(1e-9, 1e-3), st.floats(0, 1e5), st.sampled_from(SIZES), st.floats(0, 1))
    def test_each_is_faster_and_none_costs_more_loss_than_is_allowed(self, a: float, c: float, noise_scale: float, base: int, slope: float) -> None:
        seconds = machine(a, c)
        times = {size: found * (1 + noise_scale / size) for size, found in seconds.items()}
        found = contenders(experiment(seconds, noise_scale, base=base, slope=slope), base=base)
        distances = [abs(math.log2(size / base)) for size in found]
        assert distances == sorted(distances, reverse=True)
        assert len(set(found)) == len(found)
        assert found[-1] == base
        for size in found[:-1]:
            rise = math.expm1(slope * math.log2((size + noise_scale) / (base + noise_scale)))
            assert rise <= MOST_RISE * (1 + 1e-6)
            assert times[base] > times[size] * (1 - 1e-9) or rise < 0


def reading_of(size: int, *, noise_scale: float, base: int = 64, optimizer_name: str = "sgd") -> BatchSizeReading:
    """A reading that suggests `size`, whose run was by far the best."""
    found = read_batch_size(
        made_experiment({base: 1.0, size: 1.0}, {base: END, size: 0.1}, base=base, samples=gradients(noise_scale)), optimizer_name=optimizer_name
    )
    return dataclasses.replace(found, suggestion=size)


class TestMoved:
    def test_at_the_base_nothing_changes(self, lab: Laboratory) -> None:
        assert moved(PLAN, 700, reading=reading_of(64, noise_scale=100.0), lab=lab, limits=FREE, keeps_epochs=False) == (PLAN, 700)

    @pytest.mark.parametrize("noise_scale", [0.0, 10.0, 100.0, 3000.0])
    @pytest.mark.parametrize("size", [16, 32, 128, 512])
    def test_the_progress_stays_as_far_as_the_epochs_go(self, lab: Laboratory, size: int, noise_scale: float) -> None:
        """Updates divided by 1 + Bc/B; a larger batch takes more epochs for it, a smaller one fewer."""
        for total_steps in (100, 1280, lab.task.steps_at(64)):
            _, steps = moved(PLAN, total_steps, reading=reading_of(size, noise_scale=noise_scale), lab=lab, limits=FREE, keeps_epochs=False)
            same = total_steps / (1 + noise_scale / 64) * (1 + noise_scale / size)
            assert steps == min(lab.task.steps_at(size), max(1, round(same)))

    @pytest.mark.parametrize("size", [16, 24, 128, 512])
    def test_where_the_epochs_are_kept_they_are_whatever_the_noise(self, lab: Laboratory, size: int) -> None:
        full = lab.task.steps_at(64)
        for noise_scale in (0.0, 100.0):
            reading = reading_of(size, noise_scale=noise_scale)
            assert moved(PLAN, full, reading=reading, lab=lab, limits=FREE, keeps_epochs=True)[1] == lab.task.steps_at(size)
            assert moved(PLAN, full // 4, reading=reading, lab=lab, limits=FREE, keeps_epochs=True)[1] == pytest.approx(full // 4 * 64 / size, abs=0.5)

    @pytest.mark.parametrize("keeps_epochs", [True, False])
    @pytest.mark.parametrize("optimizer_name", ["sgd", "adamw"])
    @pytest.mark.parametrize("size", [16, 256])
    def test_total_decay_stays_to_two_digits(self, *, tmp_path: Path, size: int, optimizer_name: str, keeps_epochs: bool) -> None:
        lab = laboratory(make_task(train=blobs(4096), epochs=40, optimizer=optimizer_name), tmp_path)
        reading = reading_of(size, noise_scale=300.0, optimizer_name=optimizer_name)
        settings, steps = moved(PLAN, 1280, reading=reading, lab=lab, limits=FREE, keeps_epochs=keeps_epochs)
        wanted = total_decay(PLAN, total_steps=1280, optimizer_name=optimizer_name)
        assert total_decay(settings, total_steps=steps, optimizer_name=optimizer_name) == pytest.approx(wanted, rel=0.05)
        assert settings.weight_decay == float(f"{settings.weight_decay:.2g}")
        assert (settings.batch_size, settings.momentum, settings.schedule) == (size, 0.9, "constant")

    def test_adams_decay_stays(self, tmp_path: Path) -> None:
        lab = laboratory(make_task(train=blobs(4096), epochs=40, optimizer="adam"), tmp_path)
        settings, _ = moved(PLAN, 1280, reading=reading_of(256, noise_scale=300.0, optimizer_name="adam"), lab=lab, limits=FREE, keeps_epochs=False)
        assert settings.weight_decay == 1e-3

    def test_the_rate_goes_by_the_readings_exponent_to_two_digits(self, lab: Laboratory) -> None:
        reading = reading_of(256, noise_scale=300.0)
        settings, _ = moved(PLAN, 1280, reading=reading, lab=lab, limits=FREE, keeps_epochs=False)
        assert settings.lr == float(f"{0.1 * 4**reading.lr_exponent:.2g}")

    def test_bounds_and_fixed_values_hold(self, lab: Laboratory) -> None:
        limits = Limits(fixed={"weight_decay": 0.003}, bounds={"lr": (0.01, 0.111)})
        settings, _ = moved(PLAN, 1280, reading=reading_of(512, noise_scale=1e4), lab=lab, limits=limits, keeps_epochs=False)
        assert (settings.lr, settings.weight_decay) == (0.111, 0.003)


class TestKept:
    @pytest.mark.parametrize(
        ("limits", "sizes", "times", "is_sampled", "words"),
        [
            (Limits(fixed={"batch_size": 64}, bounds={}), [64], {64: 1.0}, False, "It was fixed."),
            (FREE, [64], {64: 1.0}, False, "fewer than 300 updates"),
            (FREE, [64, 128], {64: 1.0}, False, "no other size"),
            (FREE, [64, 128], {}, False, "no other size"),
            (FREE, [64, 128], {64: 1.0, 128: 2.0}, False, "whatever the noise"),
            (FREE, [64, 128], {64: 1.0, 128: 1.0}, True, "budget"),
        ],
    )
    def test_why_nothing_was_compared_is_said(
        self,
        *,
        limits: Limits,
        sizes: list[int],
        times: dict[int, float],
        is_sampled: bool,
        words: str,
    ) -> None:
        finding = kept(64, limits, sizes=sizes, times=times, is_sampled=is_sampled)
        assert (finding.kind, finding.value) == ("batch_size", 64.0)
        assert words in finding.evidence


def test_only_sizes_that_are_candidates_and_timed_are_compared() -> None:
    model = TimeModel(seconds_per_step={16: 1.0, 64: 2.0, 7: 9.0}, loading_seconds={16: 0.5, 7: 1.0})
    made = timed([], model, sizes=[64, 16, 128], n_train=100)
    assert made.times == SizeTimes(seconds_per_step={16: 1.0, 64: 2.0}, loading_seconds={16: 0.5}, n_train=100)
