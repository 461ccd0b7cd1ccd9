"""The noise scale: that its parts are right on average, its interval holds what it says on made-up gradients, and what cannot be read is said."""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.curve import GradientSample
from tunesmith.errors import InputError
from tunesmith.reading.noise_scale import INTERVAL_LEVEL, NoiseScale, predicted_time, read_noise_scale

SIZE, COUNT = 16, 8
ENDLESS = 10**12
"""A training set without end: nothing to correct."""


def sample(step: int, *, mean_square: float, square_of_mean: float, count: int = COUNT) -> GradientSample:
    return GradientSample(step=step, micro_batch_size=SIZE, n_micro_batches=count, mean_square=mean_square, square_of_mean=square_of_mean)


def measured(gradients: np.ndarray, step: int) -> GradientSample:
    """Of micro-batch gradients, (micro-batches, parameters)."""
    return sample(step, mean_square=float((gradients**2).sum(axis=1).mean()), square_of_mean=float((gradients.mean(axis=0) ** 2).sum()), count=len(gradients))


def drawn(rng: np.random.Generator, *, noise_scale: float, n: int, dimensions: int) -> list[GradientSample]:
    """Samples of normal gradients, |G|² = 1, with noise of the same size in every direction."""
    mean = np.full(dimensions, dimensions**-0.5)
    sd = math.sqrt(noise_scale / dimensions / SIZE)
    return [measured(mean + sd * rng.standard_normal((COUNT, dimensions)), step) for step in range(1, n + 1)]


def read(samples: Sequence[GradientSample], *, n_train: int = ENDLESS) -> NoiseScale:
    return read_noise_scale(samples, n_train=n_train, total_steps=1, after_share=0)


class TestParts:
    @pytest.mark.parametrize(("n_train", "count", "size"), [(5, 2, 2), (6, 2, 3), (6, 3, 1), (6, 3, 2)])
    def test_they_are_exact_over_all_ways_to_draw(self, n_train: int, count: int, size: int) -> None:
        gradients = np.random.default_rng(1).normal(0.2, 1, (n_train, 3))
        ways = [gradients[list(way)].reshape(count, size, 3).mean(axis=1) for way in itertools.permutations(range(n_train), count * size)]
        found = read([dataclasses.replace(measured(way, 1), micro_batch_size=size) for way in ways], n_train=n_train)
        trace, square = float(gradients.var(axis=0).sum()), float((gradients.mean(axis=0) ** 2).sum())
        assert found.trace == pytest.approx(trace)
        assert found.square == pytest.approx(square)

    def test_without_the_correction_a_small_set_would_have_none(self) -> None:
        """Near the optimum |G|² is a tenth of tr Σ / N; what is not corrected for is negative."""
        gradients = np.random.default_rng(2).standard_normal((50, 10))
        gradients += (0.1 / 50 / 10) ** 0.5 - gradients.mean(axis=0)
        rng = np.random.default_rng(3)
        samples = [measured(rng.permutation(gradients)[:48].reshape(3, 16, 10).mean(axis=1), step) for step in range(400)]
        corrected, uncorrected = read(samples, n_train=50), read(samples)
        assert corrected.square == pytest.approx(float((gradients.mean(axis=0) ** 2).sum()), rel=0.2)
        assert uncorrected.square is not None
        assert uncorrected.square < 0
        assert uncorrected.value is None


class TestInterval:
    """Each row: 600 made-up runs. Where 90 % hold the truth, fewer than 85 % is chance once in 10,000 rows."""

    @pytest.mark.parametrize("dimensions", [5, 1000])
    @pytest.mark.parametrize("n", [3, 10])
    @pytest.mark.parametrize("noise_scale", [50.0, 3000.0])
    def test_it_holds_the_truth_as_often_as_it_says(self, noise_scale: float, n: int, dimensions: int) -> None:
        rng = np.random.default_rng(0)
        found = [read(drawn(rng, noise_scale=noise_scale, n=n, dimensions=dimensions)).interval for _ in range(600)]
        assert sum(low <= noise_scale <= high for low, high in found) >= (INTERVAL_LEVEL - 0.05) * 600

    @pytest.mark.parametrize("dimensions", [5, 1000])
    @pytest.mark.parametrize("moments", [4, 8, 16])
    def test_what_changes_on_the_way_is_no_noise(self, moments: int, dimensions: int) -> None:
        """Two samples at each moment, while |G|² falls a hundredfold and tr Σ tenfold.

        So uneven noise leaves few degrees of freedom, and Welch's are an estimate: the truth was held 510 to 556 times of 600, not 540.
        """
        rng, falls = np.random.default_rng(1), np.geomspace(1, 0.01, moments)
        truth = 30 * float((falls**0.5).mean() / falls.mean())
        found = []
        for _ in range(600):
            samples = [
                dataclasses.replace(sample, step=step, mean_square=fall * sample.mean_square, square_of_mean=fall * sample.square_of_mean)
                for step, fall in enumerate(falls)
                for sample in drawn(rng, noise_scale=30 * fall**-0.5, n=2, dimensions=dimensions)
            ]
            found.append(read(samples))
        assert sum(one.interval[0] <= truth <= one.interval[1] for one in found) >= 0.82 * 600
        assert sum(one.value is not None for one in found) >= 0.6 * 600  # all scatter taken for noise would leave hardly any

    def test_what_cannot_be_told_from_zero_has_no_value_and_no_upper_end(self) -> None:
        found = read(drawn(np.random.default_rng(4), noise_scale=1e6, n=5, dimensions=10))
        assert found.value is None
        assert found.interval[0] > 0
        assert found.interval[1] == math.inf

    def test_of_one_sample_there_is_none(self) -> None:
        found = read(drawn(np.random.default_rng(5), noise_scale=3.0, n=1, dimensions=100))
        assert (found.value, found.interval, found.n_samples, found.early) == (None, (0.0, math.inf), 1, None)
        assert found.late == pytest.approx(3.0, rel=0.5)


SQUARES = st.floats(1e-30, 1e30)
SAMPLES = st.lists(
    st.builds(
        lambda step, size, count, mean_square, share: GradientSample(
            step=step, micro_batch_size=size, n_micro_batches=count, mean_square=mean_square, square_of_mean=share * mean_square
        ),
        st.integers(1, 100), st.integers(1, 512), st.integers(2, 64), SQUARES, st.floats(0, 1),
    ),
    max_size=8,
)  # fmt: skip


class TestProperties:
    @given(SAMPLES, st.integers(2, 10**9), st.integers(-40, 40))
    def test_scaling_the_loss_changes_nothing(self, samples: list[GradientSample], n_train: int, exponent: int) -> None:
        factor = 4.0**exponent  # exact
        scaled = [dataclasses.replace(sample, mean_square=factor * sample.mean_square, square_of_mean=factor * sample.square_of_mean) for sample in samples]
        one, other = read(samples, n_train=n_train), read(scaled, n_train=n_train)
        assert (one.value, one.interval, one.early, one.late) == (other.value, other.interval, other.early, other.late)
        if one.trace is not None:
            assert one.trace * factor == other.trace

    @given(SAMPLES, st.integers(2, 10**9))
    def test_nothing_is_ever_nan_and_noise_never_negative(self, samples: list[GradientSample], n_train: int) -> None:
        found = read(samples, n_train=n_train)
        numbers = [*found.interval, *(number for number in (found.value, found.trace, found.square, found.early, found.late) if number is not None)]
        assert not any(map(math.isnan, numbers))
        assert found.trace is None or found.trace >= 0
        low, high = found.interval
        assert 0 <= low <= high
        assert found.value is None or low <= found.value * (1 + 1e-9)
        assert found.value is None or found.value <= high * (1 + 1e-9)


class TestWhatIsRead:
    def test_the_beginning_is_left_out_and_growth_is_told(self) -> None:
        def of(step: int, noise_scale: float) -> GradientSample:
            return sample(step, mean_square=1 + noise_scale / SIZE, square_of_mean=1 + noise_scale / SIZE / COUNT)

        samples = [of(step, scale) for step, scale in ((90, 40.0), (10, 1.0), (20, 8.0), (60, 24.0), (40, 8.0), (70, 40.0))]
        found = read_noise_scale(samples, n_train=ENDLESS, total_steps=100)
        assert (found.n_samples, found.first_step, found.last_step) == (5, 20, 90)
        assert found.early == pytest.approx(8.0)
        assert found.late == pytest.approx((24 + 40 + 40) / 3)
        assert found.value == pytest.approx((8 + 8 + 24 + 40 + 40) / 5)

    def test_gradients_that_are_not_finite_are_dropped_and_counted(self) -> None:
        good = drawn(np.random.default_rng(6), noise_scale=3.0, n=5, dimensions=100)
        bad = [sample(3, mean_square=math.nan, square_of_mean=1.0), sample(4, mean_square=math.inf, square_of_mean=math.inf)]
        assert read([*good, *bad]) == dataclasses.replace(read(good), n_dropped=2)

    @pytest.mark.parametrize("samples", [[], [sample(1, mean_square=math.nan, square_of_mean=math.nan)]])
    def test_without_a_sample_nothing_is_known(self, samples: list[GradientSample]) -> None:
        found = read(samples)
        assert (found.value, found.interval, found.trace, found.square, found.n_samples) == (None, (0.0, math.inf), None, None, 0)

    def test_a_run_that_learns_nothing_has_no_noise_scale(self) -> None:
        assert read([sample(step, mean_square=0.0, square_of_mean=0.0) for step in range(5)]).value is None

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"n_train": 1}, "n_train must be ≥ 2, got 1"),
            ({"total_steps": 0}, "total_steps must be ≥ 1, got 0"),
            ({"after_share": 1.0}, r"after_share must be in \[0, 1\), got 1.0"),
            ({"samples": [sample(1, mean_square=1.0, square_of_mean=1.0, count=1)]}, "two micro-batches or more, got GradientSample"),
        ],
    )
    def test_misuse_is_refused(self, changes: dict[str, object], message: str) -> None:
        arguments: dict[str, object] = {"samples": [], "n_train": 100, "total_steps": 10, **changes}
        with pytest.raises(InputError, match=message):
            read_noise_scale(arguments.pop("samples"), **arguments)  # type: ignore[arg-type]


class TestPredictedTime:
    def test_without_noise_it_is_the_time_of_a_step(self) -> None:
        assert predicted_time(0.0, batch_size=8, seconds_per_step=0.25) == 0.25

    def test_where_a_step_costs_as_much_as_its_examples_the_smallest_batch_is_best(self) -> None:
        times = [predicted_time(100.0, batch_size=size, seconds_per_step=size / 1000) for size in (1, 10, 100, 1000)]
        assert times == sorted(times)

    @pytest.mark.parametrize(("noise_scale", "batch_size", "seconds"), [(-1.0, 8, 1.0), (math.nan, 8, 1.0), (1.0, 0, 1.0), (1.0, 8, 0.0), (1.0, 8, math.nan)])
    def test_misuse_is_refused(self, noise_scale: float, batch_size: int, seconds: float) -> None:
        with pytest.raises(InputError, match="must be"):
            predicted_time(noise_scale, batch_size=batch_size, seconds_per_step=seconds)
