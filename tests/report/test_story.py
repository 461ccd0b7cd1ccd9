"""Headline, results, ledger and doubts."""

import dataclasses
import math

import pytest

from tunesmith.plan import StudyOutcome, Trained
from tunesmith.report.evidence import Evidence, read_evidence
from tunesmith.report.story import doubts, headline, ledger, result_rows, spread_text
from tunesmith.study import Study


@pytest.fixture(scope="module")
def evidence(recommended: Study) -> Evidence:
    return read_evidence(recommended)


def changed(evidence: Evidence, **fields: object) -> Evidence:
    assert evidence.plan is not None
    return dataclasses.replace(evidence, plan=dataclasses.replace(evidence.plan, **fields))  # type: ignore[arg-type]


def trained(*valid: float) -> Trained:
    return Trained(valid=valid, test=None, seeds=tuple(range(len(valid))))


@pytest.mark.parametrize("outcome", StudyOutcome)
def test_every_outcome_has_a_headline(evidence: Evidence, outcome: StudyOutcome) -> None:
    sentence = headline(changed(evidence, outcome=outcome))
    assert sentence[0].isupper()
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("confirmed", "current", "words"),
    [
        (trained(0.1), trained(0.2), "50 % lower validation loss than with the current ones"),
        (trained(0.3), trained(0.2), "50 % higher validation loss"),
        (trained(0.1), None, "validation loss 0.1 when trained to the end"),
        (trained(0.1), trained(math.nan), "the current ones do not finish a training"),
        (trained(math.nan), trained(0.1), "did not finish"),
        (trained(-3.0), trained(-2.0), "-3 instead of -2"),
        (None, None, "no full training has confirmed them yet"),
    ],
)
def test_the_headline_says_what_is_gained(evidence: Evidence, confirmed: Trained | None, current: Trained | None, words: str) -> None:
    assert words in headline(changed(evidence, confirmed=confirmed, current=current))


def test_a_metric_is_compared_by_its_values(evidence: Evidence) -> None:
    sentence = headline(changed(evidence, goal="accuracy", confirmed=trained(0.92), current=trained(0.9)))
    assert "validation accuracy 0.92 instead of 0.9" in sentence


def test_a_range_shows_as_many_digits_as_tell_its_ends_apart() -> None:
    assert spread_text((0.12341, 0.12349)) == "0.1235 (0.1234 to 0.1235)"
    assert spread_text((0.2, math.nan)) == "0.2, 1 did not finish"
    assert spread_text((math.nan,)) == "did not finish"


def test_the_ledger_adds_up_to_the_cost_of_the_study(evidence: Evidence) -> None:
    rows = ledger(evidence)
    assert sum(row.full_trainings for row in rows) == pytest.approx(evidence.cost.total)
    assert sum(row.seconds for row in rows) == pytest.approx(evidence.cost.seconds)
    assert sum(row.runs for row in rows) == len(evidence.runs)


def test_what_was_spent_beside_the_runs_has_a_row(evidence: Evidence) -> None:
    dearer = dataclasses.replace(evidence, cost=dataclasses.replace(evidence.cost, search=evidence.cost.search + 0.1))
    assert ledger(dearer)[-1].name == "Measuring besides the runs"
    assert ledger(dearer)[-1].full_trainings == pytest.approx(0.1)


def test_runs_of_no_experiment_have_a_row(evidence: Evidence) -> None:
    fewer = dataclasses.replace(evidence, experiments=evidence.experiments[:-1])
    assert [row.name for row in ledger(fewer)][-1] == "Other runs"


def test_results_come_with_seeds_and_length(evidence: Evidence) -> None:
    plan, current = result_rows(evidence)
    assert (plan.seeds, plan.steps) == ((101, 102), 2500)
    assert current.name == "Current settings"


def test_one_seed_and_no_test_set_are_doubts(evidence: Evidence) -> None:
    said = dict(doubts(changed(evidence, confirmed=trained(0.1), current=None)))
    assert {"Seeds", "Test set"} <= said.keys()
    assert "Seeds" not in dict(doubts(evidence))
