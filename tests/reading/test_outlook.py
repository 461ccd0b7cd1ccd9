"""Which of several curves will end better, from made-up logs with known phases."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.diagnosis import Outlook, OutlookOutcome
from tunesmith.errors import InputError
from tunesmith.log import NOTHING, Series, StepUnit, TrainingLog
from tunesmith.reading.outlook import DECIDED_FROM, foresee

DECIDED, CANNOT_TELL = OutlookOutcome.DECIDED, OutlookOutcome.CANNOT_TELL
N = 40
Values = Sequence[float] | np.ndarray


def log(
    valid: Values | None,
    *,
    lr: Values | None = None,
    train: Values | None = None,
    name: str = "a",
    total: int | None = None,
    unit: StepUnit = StepUnit.STEP,
    accuracy: Values | None = None,
) -> TrainingLog:
    def series(values: Values | None) -> Series:
        return NOTHING if values is None else Series.of(range(1, 1 + len(values)), values)

    metrics = {} if accuracy is None else {"accuracy": series(accuracy)}
    return TrainingLog(
        name=name, source="made up", step_unit=unit, lr=series(lr), train_loss=series(train), valid_loss=series(valid), valid_metrics=metrics, total_steps=total
    )


def falling(to: float, *, start: float = 2.0, n: int = N) -> list[float]:
    return [to + (start - to) * math.exp(-6 * i / n) for i in range(n)]


def linear_down(n: int = N, *, of: int | None = None) -> list[float]:
    return [1 - i / (of or max(n, N)) for i in range(n)]


def hot(n: int = N, *, peak: float = 0.1) -> list[float]:
    return [peak] * n


losses = st.lists(st.one_of(st.floats(-10, 1e4), st.sampled_from([math.nan, math.inf, -math.inf])), max_size=50)
rates = st.lists(st.floats(0, 10), max_size=50)


@st.composite
def logs(draw: st.DrawFn) -> TrainingLog:
    return log(
        draw(losses),
        train=draw(losses),
        lr=draw(rates),
        total=draw(st.none() | st.integers(1, 60)),
        unit=draw(st.sampled_from(StepUnit)),
        accuracy=draw(losses),
    )


@given(one=logs(), other=logs(), goal=st.sampled_from(["loss", "accuracy"]))
def test_turning_two_logs_around_turns_the_answer_around(one: TrainingLog, other: TrainingLog, goal: str) -> None:
    there = foresee([one, other], goal=goal)
    back = foresee([other, one], goal=goal)
    assert 0.5 <= there.probability < 1
    assert there.probability == pytest.approx(back.probability)
    assert there.outcome is back.outcome
    assert (there.best is None) == (there.outcome is CANNOT_TELL)
    if there.best is not None:
        assert back.best == 1 - there.best


@given(one=logs())
def test_a_log_is_no_better_than_itself(one: TrainingLog) -> None:
    outlook = foresee([one, one])
    assert (outlook.probability, outlook.outcome, outlook.best) == (0.5, CANNOT_TELL, None)


@given(drawn=st.lists(logs(), min_size=2, max_size=5))
def test_every_outlook_says_all_that_it_must(drawn: list[TrainingLog]) -> None:
    outlook = foresee(drawn)
    assert len(outlook.pairs) == len(drawn) * (len(drawn) - 1) // 2
    assert outlook.evidence
    assert outlook.not_established
    assert outlook.action
    assert Outlook.from_dict(outlook.to_dict()) == outlook == foresee(drawn)
    for pair in outlook.pairs:
        assert 0.5 <= pair.probability < 1
        assert pair.outcome is CANNOT_TELL or pair.probability >= DECIDED_FROM


@given(to=st.floats(0.1, 1.9), scale=st.floats(1e-3, 1e3), lift=st.floats(-5, 5))
def test_units_of_the_loss_do_not_matter(to: float, scale: float, lift: float) -> None:
    def told(turn: Callable[[Values], Values]) -> float:
        return foresee([log(turn(falling(0.5)), lr=linear_down()), log(turn(falling(to)), lr=linear_down())]).probability

    assert told(np.array) == pytest.approx(told(lambda values: scale * (np.array(values) + lift)), abs=1e-6)


def test_ends_of_complete_trainings_are_compared_with_their_noise() -> None:
    def ended(*values: float, noise: float = 0.0) -> list[TrainingLog]:
        rng = np.random.default_rng(0)
        return [log(np.array(falling(value)) + noise * rng.standard_normal(N), lr=hot(), total=N, name=str(value)) for value in values]

    clear, close, noisy = foresee(ended(0.3, 0.5)), foresee(ended(0.300, 0.301)), foresee(ended(0.3, 0.5, noise=0.5))
    assert (clear.best, clear.outcome) == (0, DECIDED)
    assert 0.9 < clear.probability < 1
    assert "complete" in clear.evidence
    assert "seeds" in clear.not_established
    assert close.outcome is CANNOT_TELL
    assert noisy.probability < clear.probability


def test_two_runs_at_their_peak_rate_are_not_ranked_by_a_small_difference() -> None:
    """METHOD, trap 6: the three-layer net at 50k has .60 at the smaller rate and .63 at the larger, and ends at .54 and .51."""
    small, large = falling(0.60, start=2.3), falling(0.63, start=2.3)
    outlook = foresee([log(small, lr=hot(peak=0.001)), log(large, lr=hot(peak=0.0055))])
    assert outlook.outcome is CANNOT_TELL
    assert outlook.probability < 0.6
    assert "high learning rate" in outlook.not_established
    assert "anneal" in outlook.action


@pytest.mark.parametrize(("gap", "most"), [(0.05, 0.7), (0.2, 0.7), (0.3, DECIDED_FROM)])
def test_the_annealed_is_not_sure_to_beat_the_hot_that_stands_higher(gap: float, most: float) -> None:
    annealed, hot_one = log(falling(0.5), lr=linear_down()), log(falling(0.5 + gap), lr=hot())
    outlook = foresee([annealed, hot_one])
    assert outlook.outcome is CANNOT_TELL
    assert outlook.probability < most


def test_lower_and_hotter_is_better_than_lower_alone() -> None:
    low, high = falling(0.5), falling(1.0)
    both_hot = foresee([log(low, lr=hot()), log(high, lr=hot())])
    higher_annealed = foresee([log(low, lr=hot()), log(high, lr=linear_down())])
    assert (higher_annealed.best, higher_annealed.outcome) == (0, DECIDED)
    assert higher_annealed.probability > both_hot.probability


def test_nearer_to_the_end_is_surer() -> None:
    told = [foresee([log(falling(0.5)[:n], lr=linear_down(n)), log(falling(0.8)[:n], lr=linear_down(n))]).probability for n in (6, 20, 34)]
    assert told == sorted(told)
    assert told[0] < DECIDED_FROM < told[-1]


@pytest.mark.parametrize("ruin", [[math.nan] * 3, [math.inf], [1e200]])
def test_a_lost_run_loses(ruin: list[float]) -> None:
    lost, other = log(falling(0.2) + ruin, lr=hot(), name="lost"), log(falling(1.5), lr=hot(), name="other")
    outlook = foresee([lost, other])
    assert (outlook.best, outlook.outcome) == (1, DECIDED)
    assert "lost is lost" in outlook.evidence
    assert foresee([lost, lost]).outcome is CANNOT_TELL


def test_a_training_loss_that_exploded_is_lost() -> None:
    outlook = foresee([log(falling(0.2), train=[*falling(0.2), 40, 50, 60, 70, 80]), log(falling(1.5), train=falling(1.5))])
    assert outlook.best == 1


def test_a_run_that_never_started_loses() -> None:
    rng = np.random.default_rng(0)
    flat = 2.3 + 0.01 * rng.standard_normal(N)
    assert foresee([log(flat, lr=hot()), log(falling(0.5, start=2.3), lr=hot())]).best == 1


@pytest.mark.parametrize("lr", [linear_down, hot, lambda _n: None])
@pytest.mark.parametrize("n", [8, 40, 400])
def test_two_runs_that_never_started_are_rarely_told_apart(n: int, lr: Callable[[int], Values | None]) -> None:
    """At most 10 of 200 pairs of pure noise are decided, 1 in 20."""
    rng = np.random.default_rng(0)
    told = [foresee([log(2.3 + 0.01 * rng.standard_normal(n), lr=lr(n)) for _ in range(2)]) for _ in range(200)]
    assert sum(one.outcome is DECIDED for one in told) <= 10


def test_no_annealed_run_is_surely_better_than_one_that_stands_lower() -> None:
    gap, plain = log(falling(0.5), lr=linear_down(), train=falling(0.0)), log(falling(0.6), lr=linear_down(), train=falling(0.6))
    outlook = foresee([gap, plain])
    assert outlook.pairs[0].better == 1
    assert (outlook.outcome, round(outlook.probability, 3)) == (CANNOT_TELL, 0.7)


def test_an_overfitting_run_counts_by_its_last_loss_and_not_by_its_best() -> None:
    up = falling(0.3, n=20) + [0.3 + 0.06 * i for i in range(20)]
    outlook = foresee([log(up, lr=linear_down(34), train=falling(0.01)), log(falling(0.7), lr=linear_down(34), train=falling(0.6))])
    assert (outlook.best, outlook.outcome) == (1, DECIDED)


def test_of_rehearsals_that_end_alike_the_one_with_a_gap_or_a_rough_way_is_thought_worse() -> None:
    plain = log(falling(0.5), lr=linear_down(), train=falling(0.45))
    gap = log(falling(0.5), lr=linear_down(), train=falling(0.1), name="gap")
    humped = falling(0.5)
    humped[18] += 1.0
    rough = log(humped, lr=linear_down(), train=falling(0.45), name="rough")
    assert foresee([plain, gap]).pairs[0].better == 0
    assert "gap is 0.397 above its training loss" in foresee([plain, gap]).evidence
    assert foresee([plain, rough]).pairs[0].better == 0
    assert "rough rose by" in foresee([plain, rough]).evidence


def test_a_run_that_may_memorise_noise_makes_rehearsals_doubtful() -> None:
    def told(train: Values) -> float:
        return foresee([log(falling(0.5), lr=linear_down(), train=train), log(falling(0.9), lr=linear_down(), train=falling(0.9))]).probability

    assert told(falling(1.5)) < told(falling(0.5))


def test_training_losses_alone_count_by_half_and_say_so() -> None:
    outlook = foresee([log(None, train=falling(0.3), lr=linear_down()), log(falling(0.8), train=falling(0.8), lr=linear_down())])
    assert outlook.pairs[0].better == 0
    assert "training loss alone" in outlook.not_established
    assert outlook.probability < foresee([log(falling(0.3), lr=linear_down()), log(falling(0.8), lr=linear_down())]).probability


def test_a_log_without_rates_is_read_and_said_to_lack_them() -> None:
    outlook = foresee([log(falling(0.2)), log(falling(1.5))])
    assert (outlook.best, outlook.outcome) == (0, DECIDED)
    assert "two learning rates" in outlook.not_established


def test_few_values_are_no_comparison() -> None:
    outlook = foresee([log([0.1]), log([2.0, 1.9])])
    assert (outlook.probability, outlook.outcome) == (0.5, CANNOT_TELL)
    assert "begins at 3" in outlook.evidence
    assert foresee([log([]), log([])]).outcome is CANNOT_TELL


def test_a_metric_can_be_the_goal_in_either_direction() -> None:
    better = log(falling(1.0), lr=linear_down(), accuracy=[1 - loss / 2.2 for loss in falling(0.2)])
    worse = log(falling(0.5), lr=linear_down(), accuracy=[1 - loss / 2.2 for loss in falling(1.5)])
    up = foresee([worse, better], goal="accuracy")
    assert (up.best, up.outcome) == (1, DECIDED)
    assert "stands at 0.9" in up.evidence
    assert foresee([worse, better]).pairs[0].better == 0
    assert foresee([better, log(falling(0.5))], goal="accuracy").outcome is CANNOT_TELL


def test_the_best_of_three_must_beat_each() -> None:
    good, near, bad = (log(falling(to), lr=linear_down(), name=str(to)) for to in (0.3, 0.32, 1.6))
    unsure = foresee([bad, near, good])
    assert (unsure.best, unsure.outcome) == (None, CANNOT_TELL)
    assert "clearly better than 1 of the other 2" in unsure.evidence
    sure = foresee([bad, dataclasses.replace(bad, name="other"), good])
    assert (sure.best, sure.outcome) == (2, DECIDED)
    assert sure.probability < min(pair.probability for pair in sure.pairs if pair.better == 2)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="at least two logs, got 1"):
        foresee([log(falling(0.5))])
    with pytest.raises(InputError, match="more is better \\(accuracy\\), got 'f1'"):
        foresee([log(falling(0.5), accuracy=[0.1]), log(falling(0.5))], goal="f1")


def test_logs_of_metrics_alone_are_compared_by_one_that_all_have() -> None:
    def rising(to: float, **metrics: Values) -> TrainingLog:
        accuracy = [1 - loss / 2.2 for loss in falling(to)]
        others = {name: Series.of(range(1, 1 + len(values)), values) for name, values in metrics.items()}
        one = log(None, lr=linear_down(), accuracy=accuracy, name=str(to))
        return dataclasses.replace(one, valid_metrics={**others, **one.valid_metrics})

    higher, lower = rising(0.2, score=falling(0.1), error=falling(0.5)), rising(1.5, score=falling(0.5), error=falling(0.5))
    outlook = foresee([lower, higher])
    assert (outlook.best, outlook.outcome) == (1, DECIDED)
    assert "(validation accuracy)" in outlook.evidence
    assert "compared by validation accuracy, 0.2 most likely ends best" in foresee([lower, higher, lower]).evidence
    unknown = [dataclasses.replace(one, valid_metrics={"score": one.valid_metrics["score"]}) for one in (higher, lower)]
    assert "nothing to compare" in foresee(unknown).evidence
    with pytest.raises(InputError, match=r"more is better \(they have none\), got 'score'"):
        foresee(unknown, goal="score")


def test_losses_that_begin_far_apart_are_not_ranked() -> None:
    entropy, per_image = log(falling(0.5, start=2.3), lr=linear_down(), name="mean"), log(falling(30.0, start=147.0), lr=linear_down(), name="sum")
    outlook = foresee([entropy, per_image])
    assert (outlook.outcome, outlook.probability) == (CANNOT_TELL, 0.5)
    assert "losses of different kinds" in outlook.evidence
    assert "Record the same loss" in outlook.action
    assert foresee([entropy, log(falling(1.9, start=6.0), lr=linear_down())]).outcome is DECIDED
    assert foresee([entropy, log([*falling(30.0, start=147.0), math.nan], lr=linear_down())]).outcome is DECIDED


def test_many_curves_are_counted_and_not_listed() -> None:
    many = [log(falling(0.5 + 0.001 * i), lr=hot(), name=f"run {i}.csv") for i in range(15)]
    outlook = foresee(many)
    assert "run 0.csv, run 1.csv, run 2.csv and 12 others" in outlook.action
    assert "clearly better than none of the others" in outlook.evidence


def test_only_logs_without_a_schedule_are_said_to_lack_one() -> None:
    outlook = foresee([log(falling(0.2), lr=linear_down(), name="a"), log(falling(1.5), name="b")])
    assert "How far b is in the schedule: the log does not have two learning rates" in outlook.not_established
    assert "two learning rates" not in foresee([log(falling(0.2), lr=hot()), log(falling(1.5), lr=hot())]).not_established


def test_a_million_rows_are_read_as_few_are() -> None:
    n = 1_000_000
    rows = np.linspace(2, 0.5, n) + 0.1 * np.random.default_rng(0).standard_normal(n)
    series = Series(step=np.arange(1.0, n + 1), value=rows)
    long = TrainingLog(name="long", source="made up", step_unit=StepUnit.STEP, lr=series, train_loss=series, valid_loss=series)
    assert foresee([long, long, long]).outcome is CANNOT_TELL
