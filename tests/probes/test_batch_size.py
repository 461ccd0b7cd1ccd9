"""Batch sizes at equal modelled time: length, decay and learning rate of each run, what gradient samples change (nothing), and what all of it costs."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.probes.contract import ProbeContract
from tests.probes.watched import N_TRAIN, N_VALID, Recorder, Watched

from tunesmith.errors import BudgetError, InputError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes.annealed import GradientSampling
from tunesmith.probes.batch_size import batch_size, steps_in_time
from tunesmith.reading.batch_size import read_batch_size
from tunesmith.schedules import total_decay
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

SECONDS = {4: 1.0, 8: 1.5, 16: 2.0}
BASE = Settings(lr=0.1, momentum=0.9, weight_decay=1e-3, batch_size=8, schedule="constant")
SAMPLING = GradientSampling(points=3, micro_batches=4, micro_batch_size=5)


class TestBatchSize(ProbeContract):
    """24, 16 and 12 updates, which take 24 s each."""

    n_arms, updates, evaluated = 3, 24 + 16 + 12, 3 * 16

    def experiment(self, task: Task, *, seed: int, execute: Execute = execute_here) -> Experiment:
        settings = Settings(lr=0.05, batch_size=8)
        return batch_size(task, settings, seconds_per_step=SECONDS, total_steps=16, planned_steps=120, seed=seed, valid_examples=16, execute=execute)


def specs_of(settings: Settings = BASE, *, seconds: Mapping[int, float] = SECONDS, total_steps: int = 16, **options: object) -> list[RunSpec]:
    recorder = Recorder()
    batch_size(Watched().task(), settings, seconds_per_step=seconds, total_steps=total_steps, execute=recorder, **options)  # type: ignore[arg-type]
    return recorder.specs


class TestTime:
    @given(st.integers(1, 10_000), st.floats(1e-6, 1e3), st.floats(1e-6, 1e3))
    def test_runs_take_the_same_modelled_time_to_within_half_an_update(self, total_steps: int, own: float, other: float) -> None:
        steps = steps_in_time(total_steps, base=8, size=16, seconds_per_step={8: own, 16: other})
        assert steps >= 1
        assert abs(steps * other - total_steps * own) <= other / 2 * (1 + 1e-9) or (steps == 1 and total_steps * own < other / 2)

    def test_the_base_keeps_its_updates_and_every_other_takes_as_long(self) -> None:
        seconds = {3: 0.7, 4: 0.9, 8: 1.3, 16: 2.9, 32: 3.1}
        specs = {spec.settings.batch_size: spec for spec in specs_of(seconds=seconds, total_steps=200)}
        assert specs[8].total_steps == 200
        assert all(abs(spec.total_steps * seconds[size] - 200 * 1.3) <= seconds[size] / 2 for size, spec in specs.items())

    def test_sizes_that_are_not_asked_for_are_not_run_and_the_base_need_not_be(self) -> None:
        assert [spec.settings.batch_size for spec in specs_of(sizes=[16])] == [16]
        assert {spec.settings.batch_size for spec in specs_of()} == set(SECONDS)

    def test_the_time_model_is_kept_with_the_runs(self) -> None:
        made = batch_size(Watched().task(), BASE, seconds_per_step=SECONDS, total_steps=16, sizes=[16], execute=Recorder())
        assert made.times is not None
        assert (made.times.seconds_per_step, made.times.n_train) == (SECONDS, N_TRAIN)

    @pytest.mark.parametrize(("seconds", "sizes", "missing"), [({8: 1.0}, [8, 16], 16), ({4: 1.0, 16: 2.0}, [4, 16], 8), ({16: 2.0}, None, 8)])
    def test_a_size_without_a_time_is_refused_in_one_sentence(self, seconds: dict[int, float], sizes: list[int] | None, missing: int) -> None:
        recorder = Recorder()
        with pytest.raises(InputError, match=f"lacks {missing}") as caught:
            batch_size(Watched().task(), BASE, seconds_per_step=seconds, total_steps=16, sizes=sizes, execute=recorder)
        assert "\n" not in str(caught.value)
        assert recorder.specs == []

    def test_no_size_is_refused(self) -> None:
        with pytest.raises(BudgetError, match="'batch_size' must have at least one candidate"):
            specs_of(sizes=[])

    def test_the_runs_at_the_base_come_first_so_that_a_reading_knows_it(self) -> None:
        """Whatever the order in which sizes are given: the others are held against the settings' own."""
        for order in itertools.permutations(SECONDS):
            made = batch_size(Watched().task(), BASE, seconds_per_step={size: SECONDS[size] for size in order}, total_steps=16, sizes=order)
            assert made.arms[0].value == 8
            assert read_batch_size(made).base == 8


def decays(specs: Sequence[RunSpec], *, optimizer_name: str) -> list[float]:
    return [total_decay(spec.settings, total_steps=spec.total_steps, optimizer_name=optimizer_name) for spec in specs]


class TestDecay:
    @pytest.mark.parametrize("optimizer_name", ["sgd", "nesterov", "adamw"])
    def test_every_size_and_rate_has_the_total_decay_of_the_training_it_stands_for(self, optimizer_name: str) -> None:
        specs = specs_of(
            planned_steps=480, lr_factors=(0.4, 1.0, 2.5), lr_exponent=0.63, lr_interval=(0.05, 0.2), optimizer_name=optimizer_name, total_steps=37
        )
        wanted = total_decay(BASE, total_steps=480, optimizer_name=optimizer_name)
        assert len(specs) == 9
        assert decays(specs, optimizer_name=optimizer_name) == pytest.approx([wanted] * 9)

    def test_adams_decay_is_part_of_what_it_normalises_and_stays(self) -> None:
        assert {spec.settings.weight_decay for spec in specs_of(planned_steps=480, lr_factors=(0.5, 1.0), optimizer_name="adam")} == {1e-3}

    def test_no_decay_stays_none(self) -> None:
        assert {spec.settings.weight_decay for spec in specs_of(dataclasses.replace(BASE, weight_decay=0.0))} == {0.0}


class TestRate:
    @pytest.mark.parametrize("exponent", [0.0, 0.44, 1.0])
    def test_it_goes_like_the_batch_size_to_the_exponent_times_the_factor(self, exponent: float) -> None:
        for spec in specs_of(lr_exponent=exponent, lr_factors=(1.0,)):
            assert spec.settings.lr == pytest.approx(0.1 * (spec.settings.batch_size / 8) ** exponent, rel=0.005)
        assert sorted(spec.settings.lr for spec in specs_of(sizes=[8], lr_factors=(0.5, 1.0, 2.0))) == pytest.approx([0.05, 0.1, 0.2])

    @pytest.mark.parametrize("share", [0.0, 0.01, 0.5])
    def test_the_smallest_goes_along_in_proportion(self, share: float) -> None:
        settings = dataclasses.replace(BASE, min_lr=share * BASE.lr, schedule="one_cycle")
        for spec in specs_of(settings, lr_factors=(0.5, 1.0, 2.0)):
            assert spec.settings.resolved_min_lr == pytest.approx(share * spec.settings.lr)

    def test_where_nobody_gave_a_smallest_one_it_is_the_schedules_usual_share(self) -> None:
        assert {spec.settings.min_lr for spec in specs_of()} == {None}

    def test_none_lies_outside_the_interval_not_even_that_of_the_base(self) -> None:
        specs = specs_of(lr_factors=(0.1, 1.0, 10.0), lr_interval=(0.03, 0.08))
        assert all(0.03 <= spec.settings.lr <= 0.08 for spec in specs)
        assert decays(specs, optimizer_name="sgd") == pytest.approx([total_decay(BASE, total_steps=16, optimizer_name="sgd")] * len(specs))

    def test_a_rate_that_the_interval_makes_of_two_factors_is_run_once(self) -> None:
        specs = specs_of(sizes=[8], lr_factors=(1.0, 2.0, 4.0), lr_interval=(0.0, 0.1))
        assert [spec.settings.lr for spec in specs] == [0.1]

    def test_momentum_schedule_and_seed_are_the_same_for_all(self) -> None:
        assert {(spec.settings.momentum, spec.settings.schedule, spec.seed) for spec in specs_of(seed=5)} == {(0.9, "constant", 5)}

    def test_every_run_has_a_label_of_its_own_that_names_its_size(self) -> None:
        made = batch_size(Watched().task(), BASE, seconds_per_step=SECONDS, total_steps=16, lr_factors=(0.5, 1.0), repeats=2, execute=Recorder())
        assert len({arm.label for arm in made.arms}) == 6
        assert len({(arm.label, arm.run.spec.seed) for arm in made.arms}) == len(made.arms) == 12
        assert all(f"batch size {arm.run.spec.settings.batch_size} (" in arm.label and arm.value == arm.run.spec.settings.batch_size for arm in made.arms)


class TestSampling:
    def test_gradients_are_sampled_at_the_base_alone_on_every_seed(self) -> None:
        specs = specs_of(sampling=SAMPLING, repeats=2)
        assert {(spec.settings.batch_size, spec.seed) for spec in specs if spec.gradient_points} == {(8, 0), (8, 1)}
        assert not any(spec.gradient_points for spec in specs_of(sampling=SAMPLING, sizes=[4, 16]))
        assert not any(spec.gradient_points for spec in specs_of())

    def test_they_change_nothing_in_the_run(self) -> None:
        with_samples, without = (
            batch_size(Watched(draws=True).task(), BASE, seconds_per_step=SECONDS, total_steps=16, sampling=sampling, evaluations=3)
            for sampling in (SAMPLING, None)
        )
        for sampled, plain in zip(with_samples.arms, without.arms, strict=True):
            one, other = sampled.run.curve, plain.run.curve
            assert (one.train_loss, one.valid_loss, one.lr, one.eval_step) == (other.train_loss, other.valid_loss, other.lr, other.eval_step)
            assert sampled.label == plain.label
        assert [len(arm.run.curve.gradients) for arm in with_samples.arms if arm.value == 8] == [2 * SAMPLING.points]
        assert not any(arm.run.curve.gradients for arm in with_samples.arms if arm.value != 8)

    @pytest.mark.parametrize("sampling", [SAMPLING, GradientSampling(), GradientSampling(points=1, micro_batches=2, micro_batch_size=1)])
    def test_they_are_counted_to_the_example(self, sampling: GradientSampling) -> None:
        made = batch_size(Watched().task(), BASE, seconds_per_step=SECONDS, total_steps=16, sampling=sampling, repeats=2, evaluations=1)
        for arm in made.arms:
            own = sampling.examples if arm.value == 8 else 0
            assert arm.run.curve.cost.trained_examples == arm.run.spec.settings.batch_size * arm.run.spec.total_steps + own
            assert arm.run.curve.cost.evaluated_examples == 2 * N_VALID

    def test_a_sampled_run_is_another_order_than_a_plain_one(self) -> None:
        """A study never hands out a run without gradients where they were asked for."""
        sampled, plain = ({spec.key for spec in specs_of(sizes=[8], sampling=sampling)} for sampling in (SAMPLING, None))
        assert sampled.isdisjoint(plain)


def test_seconds_that_differ_by_a_factor_give_the_same_runs() -> None:
    doubled = {size: 1024 * seconds for size, seconds in SECONDS.items()}
    assert specs_of() == specs_of(seconds=doubled)
    assert all(math.isfinite(spec.settings.weight_decay) for spec in specs_of())
