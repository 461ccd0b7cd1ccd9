"""Batch sizes read from made-up runs, times and gradients whose answer is known."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.curve import Curve, GradientSample, Run, RunOutcome
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment, SizeTimes, experiment_from_dict, experiment_to_dict
from tunesmith.finding import Finding
from tunesmith.reading.batch_size import CLEARLY_WORSE, BatchSizeReading, read_batch_size
from tunesmith.reading.batch_times import WORTH, knee_of, lr_exponent
from tunesmith.reading.experiment import read
from tunesmith.reading.noise_scale import NoiseScale
from tunesmith.settings import RunSpec, Settings

SIZES = (16, 32, 64, 128, 256, 512)
ENDLESS = 10**12
"""A training set without end: nothing to correct."""
START, END = 2.0, 1.0
"""Of made-up losses: what every run learns is 1."""


def machine(a: float, c: float, sizes: Sequence[int] = SIZES) -> dict[int, float]:
    """Seconds an update: a constant, and so much an example."""
    return {size: a + c * size for size in sizes}


def gradients(noise_scale: float, *, square: float = 1.0, steps: Sequence[int] = (60, 80)) -> tuple[GradientSample, ...]:
    """Two equal samples at each step whose estimates are exact."""
    trace = noise_scale * abs(square)
    one = [
        GradientSample(step=step, micro_batch_size=8, n_micro_batches=8, mean_square=square + trace / 8, square_of_mean=square + trace / 64) for step in steps
    ]
    return tuple(sample for sample in one for _ in range(2))


UNCLEAR = tuple(
    GradientSample(step=step, micro_batch_size=8, n_micro_batches=8, mean_square=3.0, square_of_mean=found)
    for step, found in ((60, 0.4), (60, 0.5), (80, 0.3), (80, 0.4))
)
"""About 3 / 8 is what noise alone leaves in the mean of eight: the mean gradient is barely told, and not from zero."""
NO_SIGNAL = tuple(dataclasses.replace(sample, square_of_mean=sample.square_of_mean - 0.2) for sample in UNCLEAR)
"""Less than noise alone leaves: the square of the mean gradient is estimated below zero."""


def curve(end: float, *, accuracy: float = 0.5, samples: tuple[GradientSample, ...] = ()) -> Curve:
    outcome = RunOutcome.FINISHED if math.isfinite(end) else RunOutcome.DIVERGED
    return Curve(
        lr=(0.1,) * 10, momentum=(0.9,) * 10, train_loss=(START,) * 10, eval_step=(0, 10), valid_loss=(START, end), metrics={"accuracy": (0.1, accuracy)},
        outcome=outcome, gradients=samples,
    )  # fmt: skip


def arm(size: int, end: float, *, seed: int = 0, steps: int = 100, lr: float = 0.1, accuracy: float = 0.5) -> Arm:
    spec = RunSpec(settings=Settings(lr=lr, batch_size=size), total_steps=steps, seed=seed)
    return Arm(label=f"batch size {size}, lr {lr:g}", value=float(size), run=Run(spec=spec, curve=curve(end, accuracy=accuracy)))


def sampled(base: int, samples: tuple[GradientSample, ...], *, steps: int = 100) -> Arm:
    spec = RunSpec(settings=Settings(batch_size=base), total_steps=steps, seed=0, gradient_points=2)
    return Arm(label=f"gradients, {steps}", value=None, run=Run(spec=spec, curve=curve(END, samples=samples)))


def experiment(
    seconds: Mapping[int, float] | None,
    ends: Mapping[int, float | Sequence[float]],
    *,
    base: int = 64,
    samples: tuple[GradientSample, ...] = (),
    contenders: tuple[int, ...] = (),
    loading: Mapping[int, float] | None = None,
) -> Experiment:
    """Runs of one modelled time, the base's first; several ends of a size are seeds."""
    ordered = sorted(ends.items(), key=lambda item: (item[0] != base, item[0]))
    listed = [(size, [found] if isinstance(found, (int, float)) else list(found)) for size, found in ordered]
    arms = [arm(size, end, seed=seed, steps=6400 // size) for size, found in listed for seed, end in enumerate(found)]
    times = None if seconds is None else SizeTimes(seconds_per_step=dict(seconds), loading_seconds=dict(loading or {}), contenders=contenders, n_train=ENDLESS)
    return Experiment(probe="batch_size", arms=(*([sampled(base, samples)] if samples else []), *arms), times=times)


def finding(reading: BatchSizeReading, *kinds: str) -> Finding:
    (found,) = (one for one in reading.findings if one.kind in kinds)
    return found


def by_hand(a: float, c: float, noise_scale: float, *, base: int, sizes: Sequence[int] = SIZES) -> int:
    """The base where it takes at most 15 % longer than the fastest, else the smallest that does."""
    times = {size: (a + c * size) * (1 + noise_scale / size) for size in sizes}
    near = [size for size in sizes if times[size] <= 1.15 * min(times.values())]
    return base if base in near else min(near)


class TestPrediction:
    @pytest.mark.parametrize("base", [16, 64, 256])
    @pytest.mark.parametrize("noise_scale", [5.0, 60.0, 700.0])
    @pytest.mark.parametrize(("a", "c"), [(0.0, 1e-4), (1e-3, 1e-5), (2e-3, 4e-5), (1e-2, 1e-6)])
    def test_the_size_that_reaches_a_target_soonest_is_found(self, a: float, c: float, noise_scale: float, base: int) -> None:
        reading = read_batch_size(experiment(machine(a, c), {base: END}, base=base, samples=gradients(noise_scale)))
        assert reading.noise_scale is not None
        assert reading.noise_scale.value == pytest.approx(noise_scale)
        assert reading.suggestion == by_hand(a, c, noise_scale, base=base)
        assert reading.base == base
        times = {size.batch_size: size.predicted for size in reading.sizes}
        assert min(time for time in times.values() if time is not None) == 1
        optimum = math.sqrt(a * noise_scale / c)
        fastest = min(SIZES, key=lambda size: times[size] or math.inf)
        assert fastest == min(SIZES, key=lambda size: abs(math.log(size / max(optimum, 1e-9)))) or optimum < SIZES[0] or optimum > SIZES[-1]

    def test_the_base_is_kept_where_it_is_as_fast_within_15_percent(self) -> None:
        """Without noise the time is that of an update."""
        for own, kept in ((1.149, 64), (1.151, 128)):
            seconds = {64: own, 128: 1.0, 256: 1.0}
            assert read_batch_size(experiment(seconds, {64: END}, samples=gradients(0.0))).suggestion == kept

    def test_of_several_fast_ones_the_smallest_is_taken(self) -> None:
        seconds = {64: 2.0, 128: 1.2, 256: 1.14, 512: 1.0}
        assert read_batch_size(experiment(seconds, {64: END}, samples=gradients(0.0))).suggestion == 256

    def test_half_and_double_are_told_with_what_they_would_cost(self) -> None:
        reading = read_batch_size(experiment(machine(1e-3, 1e-5), {64: END}, samples=gradients(100.0)))
        assert reading.suggestion == 64
        ratios = [(1e-3 + 1e-5 * size) * (1 + 100 / size) / (1.64e-3 * (1 + 100 / 64)) for size in (32, 128)]
        assert (
            reading.advice
            == f"Use batch size 64: to the same loss 32 would take {ratios[0]:.2f} times as long and 128 would take {ratios[1]:.2f} times as long."
        )

    def test_only_contenders_may_be_chosen(self) -> None:
        made = experiment(machine(1e-2, 1e-6), {64: END}, samples=gradients(700.0), contenders=(64, 128))
        assert read_batch_size(made).suggestion == 128
        assert {size.batch_size for size in read_batch_size(made).sizes} == set(SIZES)

    def test_gradients_of_the_first_half_and_of_shorter_runs_do_not_count(self) -> None:
        made = experiment(machine(1e-3, 1e-5), {64: END}, samples=(*gradients(1e6, steps=(5, 30, 49)), *gradients(100.0)))
        short = sampled(64, gradients(1e6, steps=(45, 49)), steps=50)
        reading = read_batch_size(dataclasses.replace(made, arms=(short, *made.arms)))
        assert reading.noise_scale is not None
        assert reading.noise_scale.value == pytest.approx(100.0)

    def test_where_no_size_is_much_slower_it_does_not_matter(self) -> None:
        reading = read_batch_size(experiment({32: 1.0, 64: 1.05, 128: 1.1}, {64: END}, samples=gradients(0.0)))
        assert (reading.outcome, reading.suggestion) == ("does_not_matter", 64)
        assert "From 32 to 128 every size" in finding(reading, "batch_size").evidence

    def test_without_gradients_and_other_runs_nothing_can_be_told(self) -> None:
        reading = read_batch_size(experiment(machine(1e-2, 1e-6), {64: END}))
        assert (reading.outcome, reading.suggestion, reading.noise_scale) == ("cannot_tell", 64, None)
        assert finding(reading, "batch_size").interval is None
        assert not [one for one in reading.findings if one.kind == "noise_scale"]

    def test_runs_without_a_size_cannot_be_read(self) -> None:
        with pytest.raises(CurveError, match="whose values are batch sizes"):
            read_batch_size(Experiment(probe="batch_size", arms=(sampled(64, gradients(10.0)),)))


class TestRunsDecide:
    """Times that promise more the larger the batch."""

    SECONDS = machine(1e-2, 1e-6)

    def read(self, ends: Mapping[int, float | Sequence[float]], **options: object) -> BatchSizeReading:
        made = experiment(self.SECONDS, ends, samples=gradients(100.0), contenders=tuple(ends))
        return read_batch_size(made, **options)  # type: ignore[arg-type]

    @pytest.mark.parametrize(("excess", "chosen"), [(-0.5, 256), (0.0, 256), (0.9 * CLEARLY_WORSE, 256), (1.1 * CLEARLY_WORSE, 64), (math.inf, 64)])
    def test_on_one_seed_a_clearly_worse_run_is_a_veto_and_a_slightly_worse_one_is_not(self, excess: float, chosen: int) -> None:
        """Shares of what the better of the two learnt, which is 1, or 1.5 in the first case."""
        reading = self.read({64: END, 256: END + excess})
        assert reading.suggestion == chosen
        ended = "did not finish" if math.isinf(excess) else "ended worse in the same time"
        assert (f"256 {ended}" in finding(reading, "batch_size").evidence) == (chosen == 64)

    def test_a_veto_leaves_the_next_best(self) -> None:
        assert self.read({64: END, 128: END, 512: END + 0.5}).suggestion == 128

    def test_the_base_may_be_the_one_that_is_clearly_worse(self) -> None:
        seconds = {32: 1.0, 64: 1.0}
        reading = read_batch_size(experiment(seconds, {64: END + 0.5, 32: END}, samples=gradients(0.0)))
        assert (reading.outcome, reading.suggestion) == ("found", 32)
        assert "64 ended worse in the same time" in finding(reading, "batch_size").evidence

    def test_a_size_that_is_hardly_faster_and_as_good_is_not_called_worse(self) -> None:
        made = experiment({16: 9.0, 64: 1.1, 128: 1.0}, {64: END, 128: END}, samples=gradients(0.0))
        reading = read_batch_size(made)
        assert (reading.outcome, reading.suggestion) == ("found", 64)
        assert "ended worse" not in finding(reading, "batch_size").evidence

    @pytest.mark.parametrize(("worse_by", "chosen"), [(0.05, 64), (0.0, 256)])
    def test_with_several_seeds_the_paired_comparison_decides(self, worse_by: float, chosen: int) -> None:
        """Seeds differ by far more than sizes do on the same seed."""
        small = [1.0, 1.3, 0.8, 1.1]
        large = [end + worse_by + jitter for end, jitter in zip(small, (0.001, -0.001, 0.001, -0.001), strict=True)]
        reading = self.read({64: small, 256: large})
        assert reading.suggestion == chosen
        states = {size.batch_size: size.state for size in reading.sizes}
        assert (states[256] == "worse") == (worse_by > 0)

    def test_where_one_of_several_seeds_diverged_the_size_is_out(self) -> None:
        assert self.read({64: [1.0, 1.0, 1.0], 256: [0.5, 0.5, math.inf]}).suggestion == 64

    @pytest.mark.parametrize("ends", [{64: math.inf, 256: math.inf}, {64: [math.inf] * 3, 256: [math.inf] * 3}])
    def test_where_no_run_finished_nothing_is_moved(self, ends: Mapping[int, float | Sequence[float]]) -> None:
        reading = self.read(ends)
        assert (reading.suggestion, reading.outcome) == (64, "cannot_tell")

    def test_of_several_rates_of_a_size_the_best_counts(self) -> None:
        made = experiment(self.SECONDS, {64: END}, samples=gradients(100.0), contenders=(64, 256))
        rates = [arm(256, end, lr=lr) for lr, end in ((0.05, END + 0.4), (0.2, END - 0.1), (0.8, math.inf))]
        reading = read_batch_size(dataclasses.replace(made, arms=(*made.arms, *rates)))
        assert (reading.suggestion, reading.lr, reading.chosen.losses) == (256, 0.2, (END - 0.1,))

    def test_runs_alone_decide_where_no_gradient_was_sampled(self) -> None:
        """The base stays unless it is worse: without a noise scale nothing says that another is faster."""
        for end, chosen in ((END, 64), (END + 0.5, 32)):
            reading = read_batch_size(experiment(self.SECONDS, {64: end, 32: END, 256: END}))
            assert (reading.outcome, reading.suggestion) == ("found", chosen)


class TestMetric:
    """The loss prefers the smaller batch, accuracy the larger, as in the report's table."""

    SECONDS = machine(1e-2, 1e-6)

    def made(self, *, seeds: int, gap: float = 0.05) -> Experiment:
        made = experiment(self.SECONDS, {64: END}, samples=gradients(100.0), contenders=(64, 256))
        runs = [
            arm(size, END + (gap if size == 256 else 0) + 0.001 * (seed % 2), seed=seed, accuracy=0.9 + (0.02 if size == 256 else 0) - 0.001 * (seed % 2))
            for size in (64, 256)
            for seed in range(seeds)
        ]
        return dataclasses.replace(made, arms=(made.arms[0], *runs))

    def test_both_rankings_are_told_and_that_they_disagree(self) -> None:
        evidence = finding(read_batch_size(self.made(seeds=1), metrics={"accuracy": True}), "batch_size").evidence
        assert "by loss 64, 256; by accuracy 256, 64: they disagree, and the goal decides." in evidence

    def test_where_they_agree_nothing_is_said_of_a_quarrel(self) -> None:
        evidence = finding(read_batch_size(self.made(seeds=1, gap=-0.05), metrics={"accuracy": True}), "batch_size").evidence
        assert "by loss 256, 64; by accuracy 256, 64." in evidence
        assert "disagree" not in evidence

    def test_the_goal_decides_where_the_noise_is_known(self) -> None:
        made = self.made(seeds=4)
        assert read_batch_size(made).suggestion == 64
        assert read_batch_size(made, goal="accuracy", higher_is_better=True).suggestion == 256
        for reading in (read_batch_size(made), read_batch_size(made, goal="accuracy", higher_is_better=True)):
            ends = {size.batch_size: size.ends for size in reading.sizes if size.ends}
            assert ends[256]["accuracy"] > ends[64]["accuracy"]
            assert ends[256]["loss"] > ends[64]["loss"]

    def test_a_metric_where_lower_is_better_ranks_the_other_way(self) -> None:
        evidence = finding(read_batch_size(self.made(seeds=1), metrics={"accuracy": False}), "batch_size").evidence
        assert "by loss 64, 256; by accuracy 64, 256." in evidence


class TestUnclearNoise:
    def test_a_mean_that_is_not_clear_of_zero_is_reckoned_with_and_called_unclear(self) -> None:
        reading = read_batch_size(experiment(machine(1e-3, 1e-5), {64: END}, samples=UNCLEAR))
        assert reading.noise_scale is not None
        assert reading.noise_scale.value is None
        assert reading.noise_scale.interval[1] == math.inf
        told = finding(reading, "noise_scale")
        assert (told.value, told.interval) == (None, None)
        assert "cannot be told from zero" in told.evidence
        assert reading.suggestion > 64
        assert 0 <= reading.lr_exponent_interval[0] <= reading.lr_exponent <= reading.lr_exponent_interval[1] == 1

    def test_a_square_below_zero_leaves_the_lower_end(self) -> None:
        reading = read_batch_size(experiment(machine(1e-3, 1e-5), {64: END}, samples=NO_SIGNAL))
        noise = reading.noise_scale
        assert noise is not None
        assert noise.square is not None
        assert noise.square <= 0
        assert noise.value is None
        for size in reading.sizes:
            if noise.interval[0] > 0:
                assert size.predicted is not None
                assert math.isfinite(size.predicted)
            else:
                assert size.predicted is None

    @pytest.mark.parametrize("mean_square", [0.0, math.nan, math.inf])
    def test_gradients_that_say_nothing_leave_the_base_and_the_assumed_exponent(self, mean_square: float) -> None:
        samples = tuple(dataclasses.replace(sample, mean_square=mean_square, square_of_mean=mean_square) for sample in UNCLEAR)
        reading = read_batch_size(experiment(machine(1e-2, 1e-6), {64: END}, samples=samples))
        assert (reading.outcome, reading.suggestion) == ("cannot_tell", 64)
        assert (reading.lr_exponent, reading.lr_exponent_interval) == (0.5, (0.25, 0.75))
        assert not [one for one in reading.findings if one.kind == "lr_exponent"]  # an assumption is no finding
        json.dumps(reading.to_dict(), allow_nan=False)


def clear(noise_scale: float) -> NoiseScale:
    low, high = 0.9 * noise_scale, 1.1 * noise_scale
    return NoiseScale(
        value=noise_scale, interval=(low, high), trace=noise_scale, square=1.0, n_samples=8, n_dropped=0, first_step=50, last_step=90, early=None, late=None
    )


class TestExponent:
    @pytest.mark.parametrize(("optimizer_name", "limit"), [("sgd", 1.0), ("nesterov", 1.0), ("adam", 0.5), ("adamw", 0.5)])
    def test_noise_without_end_gives_the_linear_rule_or_its_root_and_none_a_constant_rate(self, optimizer_name: str, limit: float) -> None:
        for base, other in ((64, 256), (64, 16)):
            assert lr_exponent(clear(1e9), base=base, other=other, optimizer_name=optimizer_name)[0] == limit
            assert lr_exponent(clear(0.0), base=base, other=other, optimizer_name=optimizer_name) == (0.0, (0.0, 0.0))

    @given(st.floats(0, 1e12), st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["sgd", "adamw"]))
    def test_it_lies_between_a_constant_rate_and_the_rule_and_inside_its_interval(self, noise_scale: float, base: int, other: int, name: str) -> None:
        if base == other:
            return
        exponent, (low, high) = lr_exponent(clear(noise_scale), base=base, other=other, optimizer_name=name)
        assert 0 <= low <= exponent <= high <= (1.0 if name == "sgd" else 0.5)

    def test_it_is_that_of_the_best_rate_between_the_two_sizes(self) -> None:
        exponent, _ = lr_exponent(clear(100.0), base=50, other=200, optimizer_name="sgd")
        assert 4**exponent == pytest.approx((1 + 100 / 50) / (1 + 100 / 200), rel=0.002)

    def test_a_reading_gives_that_to_the_suggestion_or_to_the_double(self) -> None:
        for seconds, other in ((machine(1e-2, 1e-6, (64, 256)), 256), ({64: 1.0, 256: 9.0}, 128)):
            reading = read_batch_size(experiment(seconds, {64: END}, samples=gradients(100.0)), optimizer_name="adamw")
            assert reading.lr_exponent == lr_exponent(clear(100.0), base=64, other=other, optimizer_name="adamw")[0]
            assert finding(reading, "lr_exponent").value == reading.lr_exponent


class TestThroughput:
    @pytest.mark.parametrize(("share", "kind"), [(0.4, "throughput"), (0.6, "loader_bound")])
    def test_a_task_that_waits_for_its_data_is_told(self, share: float, kind: str) -> None:
        seconds = machine(1e-3, 1e-5)
        made = experiment(seconds, {64: END}, samples=gradients(100.0), loading={size: share * found for size, found in seconds.items()})
        told = finding(read_batch_size(made), "throughput", "loader_bound")
        assert told.kind == kind
        assert ("num_workers=" in told.action) == (kind == "loader_bound")
        assert ("Waiting for data takes 60%" in told.evidence) == (kind == "loader_bound")

    def test_one_size_that_does_not_wait_frees_the_task_of_it(self) -> None:
        seconds = {64: 1.0, 128: 1.5}
        made = experiment(seconds, {64: END}, loading={64: 0.9, 128: 0.3})
        assert finding(read_batch_size(made), "throughput", "loader_bound").kind == "throughput"

    def test_the_knee_is_the_smallest_with_four_fifths_of_the_best_throughput(self) -> None:
        assert knee_of(dict.fromkeys(SIZES, 1.0)) == 512
        assert knee_of({size: size / 1000 for size in SIZES}) == 16
        assert knee_of({32: 1.0, 64: 1.0, 128: 1.6, 256: 3.3}) == 64  # 32, 64, 80, 77.6 examples a second
        reading = read_batch_size(experiment(machine(1e-3, 1e-5), {64: END}))
        assert reading.knee == 256  # a half of 1/c is lost at 100 examples: .8 of 512's .837 from 203 on
        assert finding(reading, "throughput").value == 256.0


class TestOlderExperiments:
    def test_without_a_time_model_the_runs_of_one_time_tell_it(self) -> None:
        """Updates of the runs in the same time: 100 at 64, 25 at 256."""
        reading = read_batch_size(experiment(None, {64: END, 256: END - 0.01}))
        assert {size.batch_size: size.seconds_per_step for size in reading.sizes} == {64: 1.0, 256: 4.0}
        assert (reading.outcome, reading.suggestion, reading.base) == ("found", 64, 64)
        json.dumps(reading.to_dict(), allow_nan=False)

    def test_a_clearly_better_size_is_still_found(self) -> None:
        assert read_batch_size(experiment(None, {64: END, 256: END - 0.5})).suggestion == 256

    def test_a_run_at_a_size_that_the_time_model_lacks_is_no_nan_in_the_document(self) -> None:
        reading = read_batch_size(experiment({64: 1.0}, {64: END, 256: END}, samples=gradients(10.0)))
        json.dumps(reading.to_dict(), allow_nan=False)


ENDS = st.sampled_from([math.inf, 0.2, 0.9, 1.0, 1.05, 1.3, 1.9])
SAMPLES = st.lists(
    st.builds(
        lambda step, mean_square, share: GradientSample(
            step=step, micro_batch_size=8, n_micro_batches=8, mean_square=mean_square, square_of_mean=share * mean_square
        ),
        st.integers(40, 100), st.floats(0, 1e6), st.floats(0, 1),
    ),
    max_size=5,
).map(tuple)  # fmt: skip


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """A base that ran, some others that did, on one to three seeds; contenders, the base among them, or none named."""
    sizes = draw(st.lists(st.sampled_from(SIZES), min_size=1, unique=True))
    base, seeds = sizes[0], draw(st.integers(1, 3))
    ran = {base, *draw(st.lists(st.sampled_from(sizes), unique=True))}
    ends = {size: draw(st.lists(ENDS, min_size=seeds, max_size=seeds)) for size in sorted(ran)}
    seconds = {size: draw(st.floats(1e-6, 1e3)) for size in sizes}
    others = draw(st.just([]) | st.lists(st.sampled_from(sizes), min_size=1, unique=True))
    contenders = tuple(sorted({base, *others})) if others else ()
    loading = {size: draw(st.floats(0, 1)) * found for size, found in seconds.items() if draw(st.booleans())}
    return experiment(seconds, ends, base=base, samples=draw(SAMPLES), contenders=contenders, loading=loading)


def scaled(made: Experiment, factor: float) -> Experiment:
    assert made.times is not None
    seconds, loading = ({size: factor * found for size, found in times.items()} for times in (made.times.seconds_per_step, made.times.loading_seconds))
    return dataclasses.replace(made, times=dataclasses.replace(made.times, seconds_per_step=seconds, loading_seconds=loading))


class TestProperties:
    @given(experiments())
    def test_a_size_outside_the_contenders_is_never_suggested(self, made: Experiment) -> None:
        reading = read_batch_size(made)
        assert made.times is not None
        assert reading.suggestion in (made.times.contenders or made.times.seconds_per_step)
        assert reading.suggestion in [size.batch_size for size in reading.sizes]
        assert reading.chosen.lr == reading.lr

    @given(experiments(), st.integers(-30, 30))
    def test_the_unit_of_seconds_does_not_matter(self, made: Experiment, exponent: int) -> None:
        one, other = read_batch_size(made), read_batch_size(scaled(made, 4.0**exponent))  # exact
        assert (one.suggestion, one.outcome, one.knee, one.lr_exponent, one.advice) == (
            other.suggestion, other.outcome, other.knee, other.lr_exponent, other.advice,
        )  # fmt: skip
        assert [size.predicted for size in one.sizes] == [size.predicted for size in other.sizes]

    @given(experiments())
    def test_the_document_is_standard_json_and_comes_back_equal(self, made: Experiment) -> None:
        document = read_batch_size(made).to_dict()
        assert json.loads(json.dumps(document, allow_nan=False)) == document

    @given(experiments())
    def test_a_stored_experiment_reads_the_same(self, made: Experiment) -> None:
        data = json.loads(json.dumps(experiment_to_dict(made), allow_nan=False))
        again = experiment_from_dict(data, runs={one.run.spec.key: one.run for one in made.arms})
        assert read_batch_size(again).to_dict() == read_batch_size(made).to_dict()
        assert read(again) == read(made)

    @given(experiments())
    def test_a_run_that_did_not_finish_is_never_chosen_while_another_did(self, made: Experiment) -> None:
        reading = read_batch_size(made)
        assert made.times is not None
        contenders = made.times.contenders or tuple(made.times.seconds_per_step)
        if any(size.losses and math.isfinite(size.loss) for size in reading.sizes if size.batch_size in contenders):
            assert not reading.chosen.losses or math.isfinite(reading.chosen.loss)

    @given(experiments())
    def test_values_lie_in_their_intervals(self, made: Experiment) -> None:
        for found in read_batch_size(made).findings:
            if found.value is not None and found.interval is not None:
                assert found.interval[0] <= found.value <= found.interval[1], found


def test_the_dial_is_the_one_that_is_documented() -> None:
    assert (WORTH, CLEARLY_WORSE) == (0.15, 0.2)
