"""Noise between seeds: what is usual, what repeats add, and that its bounds and intervals hold what they say on made-up noise."""

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.reading.seed_noise import LOSS_LOG_SD, LOSS_SHARE, SeedNoise

N = 4000


def drawn(rng: random.Random) -> float:
    """A task's true standard deviation, as tasks spread."""
    return LOSS_SHARE * 2.0 * math.exp(rng.gauss(0, LOSS_LOG_SD))


class TestUsual:
    def test_it_is_a_share_of_what_was_learnt(self) -> None:
        little, much = (SeedNoise.usual_of_loss(initial=initial, final=1.0, n_valid=10**4) for initial in (1.5, 2.0))
        assert much.sd == pytest.approx(2 * little.sd)

    def test_a_loss_below_zero_is_no_special_case(self) -> None:
        assert SeedNoise.usual_of_loss(initial=2.0, final=-1.0, n_valid=100).sd == pytest.approx(3 * LOSS_SHARE)

    def test_a_huge_loss_at_the_start_makes_no_huge_noise(self) -> None:
        assert SeedNoise.usual_of_loss(initial=1e6, final=0.2, n_valid=1000).sd < 0.05

    def test_many_examples_make_little_noise_near_zero(self) -> None:
        few, many = (SeedNoise.usual_of_loss(initial=2.3, final=0.03, n_valid=n) for n in (1000, 100_000))
        assert many.sd == pytest.approx(few.sd / 10)

    @pytest.mark.parametrize(("initial", "final"), [(1.0, 1.0), (1.0, 2.0), (math.nan, 1.0), (1.0, math.nan), (math.inf, 1.0)])
    def test_nothing_learnt_is_nothing_known(self, initial: float, final: float) -> None:
        noise = SeedNoise.usual_of_loss(initial=initial, final=final, n_valid=100)
        assert (noise.sd, noise.bound(1, 1), noise.interval(0.5, n=1)) == (0, 0, None)

    @pytest.mark.parametrize("share", [0.0, 1.0, -3.0, 7.0, math.nan])
    def test_a_metric_that_is_no_share_is_unknown(self, share: float) -> None:
        assert SeedNoise.usual_of_share(share, n_valid=100).sd == 0


class TestRepeats:
    def test_many_repeats_overrule_what_is_usual(self) -> None:
        rng = random.Random(0)
        noise = SeedNoise.usual_of_loss(initial=2.0, final=1.0, n_valid=10**4).with_repeats([rng.gauss(1, 0.2) for _ in range(400)])
        assert noise.sd == pytest.approx(0.2, rel=0.15)
        assert noise.log_sd < 0.05

    def test_alone_they_are_unbiased_in_the_logarithm(self) -> None:
        rng = random.Random(1)
        logs = [math.log(SeedNoise(sd=0.0).with_repeats([rng.gauss(0, 1) for _ in range(3)]).sd) for _ in range(N)]
        assert abs(statistics.fmean(logs)) < 0.05
        assert statistics.stdev(logs) == pytest.approx(SeedNoise(sd=0.0).with_repeats([1.0, 2.0, 4.0]).log_sd, rel=0.1)

    @pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, 1.0], [math.inf, 1.0]])
    def test_what_is_no_repeat_changes_nothing(self, values: list[float]) -> None:
        usual = SeedNoise.usual_of_loss(initial=2.0, final=1.0, n_valid=100)
        assert usual.with_repeats(values) is usual


class TestHolds:
    @pytest.mark.parametrize("n", [1, 3])
    def test_nine_of_ten_new_runs_end_in_the_interval(self, n: int) -> None:
        """Over tasks whose noise spreads as that of the bench's does."""
        rng, held = random.Random(2), 0
        for _ in range(N):
            sd = drawn(rng)
            runs = [rng.gauss(1, sd) for _ in range(n)]
            low, high = SeedNoise(sd=LOSS_SHARE * 2, log_sd=LOSS_LOG_SD).with_repeats(runs).interval(statistics.fmean(runs), n=n) or (0.0, 0.0)
            held += low <= rng.gauss(1, sd) <= high
        assert held / N == pytest.approx(0.9, abs=0.02)

    def test_equal_settings_seldom_seem_to_differ(self) -> None:
        rng, wrong = random.Random(3), 0
        noise = SeedNoise(sd=LOSS_SHARE * 2, log_sd=LOSS_LOG_SD)
        for _ in range(N):
            sd = drawn(rng)
            wrong += rng.gauss(1, sd) - rng.gauss(1, sd) > noise.bound(1, 1)
        assert wrong / N == pytest.approx(0.05, abs=0.015)

    @given(sd=st.floats(1e-6, 10), log_sd=st.floats(0, 2), n=st.integers(1, 9))
    def test_more_seeds_need_a_smaller_difference_and_more_doubt_a_larger_one(self, sd: float, log_sd: float, n: int) -> None:
        bound = SeedNoise(sd=sd, log_sd=log_sd).bound(n, 1)
        assert bound >= SeedNoise(sd=sd, log_sd=log_sd).bound(n + 1, 1)
        assert bound >= 1.6449 * sd * math.sqrt(1 + 1 / n) * (1 - 1e-3)
