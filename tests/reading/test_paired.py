import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.reading.paired import compare_paired


def table(means: tuple[float, ...], *, noise: float = 0.1, seeds: int = 3, draw: int = 0, spread: float = 1.0) -> dict[str, dict[int, float]]:
    """One setting a mean, named by its number; each seed moves all of them, and the noise each by itself."""
    draws = np.random.default_rng(draw)
    moved = spread * draws.standard_normal(seeds)
    return {str(index): dict(enumerate((mean + moved + noise * draws.standard_normal(seeds)).tolist())) for index, mean in enumerate(means)}


def states(scores: dict[str, dict[int, float]]) -> list[str]:
    return [found.state for found in compare_paired(scores).scores.values()]


def test_what_a_seed_does_to_all_cancels() -> None:
    """Ten times the noise between seeds, and a difference of five times the noise of a run is seen all the same."""
    found = compare_paired(table((0.0, 0.5, 0.6, 0.1), spread=1.0))
    assert [name for name, score in found.scores.items() if score.state == "worse"] == ["1", "2"]
    assert found.seed_spread > 3 * found.noise > 0


@given(st.integers(0, 50), st.floats(0.01, 100), st.floats(-10, 10))
def test_other_units_say_the_same(draw: int, factor: float, shift: float) -> None:
    scores = table((0.0, 0.3, 0.6), draw=draw)
    moved = {name: {seed: shift + factor * value for seed, value in found.items()} for name, found in scores.items()}
    assert states(moved) == states(scores)
    assert compare_paired(moved).noise == pytest.approx(factor * compare_paired(scores).noise, rel=1e-6)


@pytest.mark.parametrize(("settings", "seeds"), [(4, 2), (4, 3), (6, 3)])
def test_among_settings_that_are_alike_one_is_called_worse_in_few_of_a_hundred(settings: int, seeds: int) -> None:
    """Meant: 5 % of comparisons; 6 to 8 % in 400 draws, since the noise is that of those that happened to be better. So 17 of 100 or more has p < .005."""
    alarms = sum("worse" in states(table((0.0,) * settings, seeds=seeds, draw=draw)) for draw in range(100))
    assert alarms < 17


def test_the_intervals_hold_the_truth_together() -> None:
    """Meant: all of them in 95 % of comparisons; 92 of 100 or fewer would have p = .13, 88 or fewer p < .005."""
    means, held = (0.0, 0.15, 0.3, 0.45), 0
    for draw in range(100):
        found = compare_paired(table(means, draw=draw))
        best = means[int(found.best)]
        held += all(score.interval is None or score.interval[0] <= means[int(name)] - best <= score.interval[1] for name, score in found.scores.items())
    assert held > 88


def test_a_setting_at_the_brink_hides_no_difference_between_the_others() -> None:
    """One whose noise is twenty times theirs is compared by its own; a difference of six times the noise is seen in at least 8 of 10."""
    seen = 0
    for draw in range(10):
        scores = table((0.0, 0.6, 0.05), draw=draw)
        scores["wild"] = {seed: 3 + 2 * value for seed, value in enumerate(np.random.default_rng(100 + draw).standard_normal(3).tolist())}
        seen += compare_paired(scores).scores["1"].state == "worse"
    assert seen >= 8


def test_a_setting_whose_seeds_disagree_does_not_win_by_its_mean() -> None:
    scores = {"a": {0: 1.0, 1: 2.0, 2: 3.0}, "b": {0: 1.01, 1: 2.02, 2: 3.0}, "c": {0: 1.02, 1: 2.0, 2: 3.01}, "wild": {0: 0.2, 1: 3.4, 2: 1.5}}
    found = compare_paired(scores)
    assert found.best != "wild"
    assert found.scores["wild"].state == "unsteady"


def test_a_setting_that_alone_learns_wins_though_its_noise_is_of_another_kind() -> None:
    stuck = {name: {0: 2.3 + shift, 1: 2.3, 2: 2.3 - shift} for name, shift in (("a", 0.0), ("b", 1e-4), ("c", -1e-4))}
    assert compare_paired(stuck | {"learns": {0: 0.5, 1: 0.7, 2: 0.4}}).best == "learns"


def test_a_setting_that_failed_on_one_seed_never_wins() -> None:
    found = compare_paired({"a": {0: 1.0, 1: 2.0}, "b": {0: 0.1, 1: math.inf}, "c": {0: 1.5, 1: 2.6}})
    assert (found.best, found.scores["b"].state, found.scores["b"].difference) == ("a", "failed", None)
    assert found.is_noise_known


@pytest.mark.parametrize(
    "scores",
    [
        {"a": {0: 1.0}, "b": {0: 2.0}},
        {"a": {0: 1.0, 1: 1.1}, "b": {0: math.inf, 1: 2.0}},
        {"a": {0: 1.0}, "b": {1: 2.0}},
        {"a": {0: math.inf}},
    ],
)
def test_without_repeats_or_a_second_setting_the_noise_is_not_known(scores: dict[str, dict[int, float]]) -> None:
    found = compare_paired(scores)
    assert (found.is_noise_known, found.noise, found.standard_error) == (False, 0.0, 0.0)
    assert {score.state for score in found.scores.values()} <= {"best", "unknown", "failed"}


def test_settings_that_are_the_same_to_the_bit_are_close() -> None:
    assert states({name: {0: 1.1, 1: 1.2, 2: 1.3} for name in "abc"}) == ["best", "close", "close"]
