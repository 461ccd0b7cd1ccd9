import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.experiment import Arm, Experiment
from tunesmith.reading import compare, noise_between_seeds
from tunesmith.reading.comparison import choice_finding
from tunesmith.settings import RunSpec, Settings

Row = tuple[str, float | None, float]


def experiment(*rows: Row, outcome: RunOutcome = RunOutcome.FINISHED) -> Experiment:
    """(label, value, loss) → an arm each; rows of one label are its seeds. A loss of infinity is a run that failed."""
    arms = []
    for seed, (label, value, loss) in enumerate(rows):
        ended = outcome if math.isfinite(loss) else RunOutcome.DIVERGED
        curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(1.0,), eval_step=(1,), valid_loss=(loss,), metrics={"accuracy": (-loss,)}, outcome=ended)
        arms.append(Arm(label=label, value=value, run=Run(spec=RunSpec(settings=Settings(), total_steps=1, seed=seed), curve=curve)))
    return Experiment(probe="momentum", arms=tuple(arms))


THREE = (("a", 0.9, 1.0), ("b", 0.95, 1.1), ("c", 0.99, 2.0))


def test_the_smallest_mean_score_is_best() -> None:
    found = compare(experiment(*THREE, ("a", 0.9, 3.0)), noise=0.1)
    assert found.best == "b"
    assert found.scores == {"a": 2.0, "b": 1.1, "c": 2.0}


def test_for_a_metric_higher_may_be_better() -> None:
    found = compare(experiment(*THREE), noise=0.0, goal="accuracy", higher_is_better=True)
    assert found.best == "a"
    assert compare(experiment(*THREE), noise=0.0, goal="accuracy").best == "c"


@given(st.permutations([("a", 0.9, math.inf), ("b", 0.95, 5.0), ("b", 0.95, math.inf), ("c", 0.99, 9.0)]))
def test_a_label_with_one_failed_seed_never_wins(rows: list[Row]) -> None:
    found = compare(experiment(*rows), noise=1.0)
    assert (found.best, found.close) == ("c", ("c",))
    assert not found.matters
    assert found.interval == (0.99, 0.99)


def test_where_every_arm_failed_nothing_is_best() -> None:
    found = compare(experiment(("a", 0.9, math.inf), ("b", 0.95, math.inf)), noise=0.1)
    assert (found.best, found.close, found.interval, found.confidence) == ("", (), None, 0.0)
    assert not found.matters
    assert found.prefers(0.9)
    assert found.prefers(0.5)


def test_arms_within_two_deviations_of_the_difference_are_close() -> None:
    assert compare(experiment(*THREE), noise=0.1).close == ("a", "b")
    assert compare(experiment(*THREE), noise=0.03).close == ("a",)
    assert compare(experiment(*THREE), noise=5.0).close == ("a", "b", "c")
    assert not compare(experiment(*THREE), noise=5.0).matters


def test_more_seeds_tell_closer_arms_apart() -> None:
    rows = [(label, value, loss) for label, value, loss in THREE[:2] for _ in range(16)]
    assert compare(experiment(*THREE[:2]), noise=0.1).close == ("a", "b")
    assert compare(experiment(*rows), noise=0.1).close == ("a",)


def test_without_known_noise_nothing_is_told_apart() -> None:
    found = compare(experiment(*THREE), noise=0.0)
    assert found.confidence == 0.5
    assert not found.matters
    assert found.interval is None
    assert "not known" in choice_finding("momentum", found, chosen=0.9, evidence="Runs.", not_established="More.").evidence


@given(st.floats(0, 5), st.floats(0.01, 5))
def test_confidence_grows_with_the_gap(gap: float, noise: float) -> None:
    found = compare(experiment(("a", 1.0, 0.0), ("b", 2.0, gap)), noise=noise)
    assert found.confidence == pytest.approx(0.5 * (1 + math.erf(gap / noise / 2)))


@pytest.mark.parametrize(
    ("incumbent", "noise", "is_kept"), [(0.95, 0.1, True), (0.95, 0.05, False), (0.9, 0.0, True), (0.95, 0.0, True), (0.99, 0.1, False), (0.5, 0.1, False)]
)
def test_the_incumbent_is_kept_unless_beaten_by_more_than_the_noise(incumbent: float, noise: float, *, is_kept: bool) -> None:
    rows = (("a", 0.9, 1.0), ("b", 0.95, 1.0625), ("c", 0.99, 2.0))
    assert compare(experiment(*rows), noise=noise).prefers(incumbent) is is_kept


def test_an_incumbent_that_failed_is_not_kept() -> None:
    assert not compare(experiment(("a", 0.9, math.inf), ("b", 0.95, 5.0)), noise=1.0).prefers(0.9)


def test_noise_is_pooled_over_labels_and_experiments() -> None:
    one = experiment(("a", 0.9, 1.0), ("a", 0.9, 1.2), ("b", 0.95, 7.0))
    other = experiment(("c", 1.0, 5.0), ("c", 1.0, 5.2), ("c", 1.0, 5.1), ("c", 1.0, math.inf))
    assert noise_between_seeds([one, other]) == pytest.approx(math.sqrt((0.02 + 0.02) / 3))
    assert noise_between_seeds([experiment(*THREE)]) == 0.0
    assert noise_between_seeds([]) == 0.0


def test_noise_is_read_right_on_average() -> None:
    """200 pairs of seeds with a deviation of .3: within a tenth."""
    random = np.random.default_rng(0)
    rows = [(str(label), float(label), 10 * label + 0.3 * random.standard_normal()) for label in range(200) for _ in range(2)]
    assert noise_between_seeds([experiment(*rows)]) == pytest.approx(0.3, rel=0.1)


def test_of_equal_arms_one_in_twenty_is_told_apart() -> None:
    """400 pairs of arms that differ by nothing but noise: two deviations are passed by 2.5 to 7 in a hundred (4.6 expected)."""
    random = np.random.default_rng(1)
    pairs = [compare(experiment(("a", 1.0, random.standard_normal()), ("b", 2.0, random.standard_normal())), noise=1.0) for _ in range(400)]
    assert 10 <= sum(pair.matters for pair in pairs) <= 28


def test_a_finding_says_when_a_choice_hardly_matters() -> None:
    close, apart = (
        choice_finding("momentum", compare(experiment(*THREE), noise=noise), chosen=0.9, evidence="Runs.", not_established="More.") for noise in (5.0, 0.03)
    )
    assert "cannot tell whether it matters" in close.evidence
    assert "cannot tell" not in apart.evidence
    assert close.interval == (0.9, 0.99)
    assert 0 <= apart.confidence <= 1
