import math
import random
import statistics

import pytest
from benchmarks.proof.score import Point, RandomTraining, at_cost, bootstrapped_wins, cost_to_reach, percentile, profile, random_searches, win_share


def test_a_diverged_training_is_behind_every_number() -> None:
    assert percentile(math.inf, [1.0, 2.0, math.inf]) == pytest.approx(100 * 2.5 / 3)
    assert percentile(0.5, [1.0, 2.0, math.inf]) == 0


def test_a_later_choice_that_costs_less_counts_as_soon_as_it_is_paid_for() -> None:
    points = [Point(total=2.0, tests=(0.5,)), Point(total=1.2, tests=(0.3,))]
    assert at_cost(points, 1.5) == 0.3


def test_the_median_study_decides_when_a_target_is_reached() -> None:
    early, late, never = [Point(total=1.0, tests=(0.1,))], [Point(total=5.0, tests=(0.1,))], [Point(total=1.0, tests=(0.9,))]
    assert cost_to_reach([early, late, never], 0.2) == 5.0
    assert cost_to_reach([late, never, never], 0.2) == math.inf
    assert cost_to_reach([[], []], 0.2) == math.inf


def test_a_cost_is_found_exactly_though_later_choices_may_cost_less() -> None:
    study = [Point(total=3.0, tests=(0.5,)), Point(total=1.7, tests=(0.3,)), Point(total=2.9, tests=(0.4,))]
    assert [at_cost(study, total) for total in (1.0, 1.7, 2.9, 3.0)] == [math.inf, 0.3, 0.4, 0.4]
    assert cost_to_reach([study], 0.3) == 1.7
    assert cost_to_reach([study], 0.45) == 1.7
    assert cost_to_reach([study, study, []], 0.4) == 1.7


def test_a_point_stands_for_its_median_retraining() -> None:
    assert Point(total=1.0, tests=(0.1, math.inf, 0.2)).test == 0.2


def test_shares_of_wins() -> None:
    assert win_share([1.0], [1.0]) == 0.5
    assert win_share([math.inf], [math.inf]) == 0.5
    share, low, high = bootstrapped_wins([([1.0, 1.1], [2.0, 2.1]), ([3.0, 3.1], [2.0, 2.1])])
    assert (share, low, high) == (0.5, 0.0, 1.0)
    assert bootstrapped_wins([([1.0], [2.0])] * 5) == (1.0, 1.0, 1.0)


@pytest.mark.slow
def test_the_interval_of_wins_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = random.Random(0)
    covered, width = 0, 0.0
    for seed in range(60):
        # Ten tasks; ours wins a task with probability .7.
        tasks = [([0.0], [1.0 if rng.random() < 0.7 else -1.0]) for _ in range(10)]
        _, low, high = bootstrapped_wins(tasks, seed=seed)
        covered += low <= 0.7 <= high
        width += (high - low) / 60
    assert covered >= 50
    assert width < 0.65


def test_a_profile_counts_what_is_at_or_below() -> None:
    assert profile([0.0, 1.0, math.inf, 3.0], [0.0, 1.0, 5.0]) == [0.25, 0.5, 0.75]


def test_random_search_improves_with_its_budget_and_charges_the_final_training() -> None:
    rows = [RandomTraining(search=0.5, final=0.4, valid=1 - i / 100, test=1 - i / 100) for i in range(100)]
    searches = random_searches(rows, budget=20.0, n=200)
    assert all(first.total == pytest.approx(0.9) for first, *_ in searches)
    medians = [statistics.median(at_cost(search, total) for search in searches) for total in (1.0, 3.0, 10.0)]
    assert medians[0] > medians[1] > medians[2]
    # The best of n uniform draws has the median 1 - 2^(-1/n) from the top.
    assert medians[2] == pytest.approx(1 - 2 ** (-1 / 19), abs=0.02)
    assert searches == random_searches(rows, budget=20.0, n=200)


def test_random_search_judges_by_validation_alone() -> None:
    rows = [RandomTraining(search=1.0, final=1.0, valid=0.1, test=9.0), RandomTraining(search=1.0, final=1.0, valid=0.2, test=1.0)]
    assert statistics.median(search[-1].test for search in random_searches(rows, budget=30.0, n=20)) == 9.0
