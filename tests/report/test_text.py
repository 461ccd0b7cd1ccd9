"""A study in a terminal, and as JSON."""

import dataclasses
import json

import pytest

from tunesmith.plan import Plan
from tunesmith.report import study_to_json, summarize
from tunesmith.study import Study


def test_every_study_fits_a_hundred_columns_of_plain_text(any_study: Study) -> None:
    text = summarize(any_study)
    assert text
    assert max(map(len, text.splitlines())) <= 100
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_recommendation_says_what_how_much_and_how_sure(recommended: Study) -> None:
    text = " ".join(summarize(recommended).split())
    for words in (
        "Recommended", "handwritten digits", "lower validation loss than with the current ones", "on 2 fresh seeds", "Peak learning rate", "0.3 to 0.7",
        "1.6 does not train", "no difference seen from 0.01 to 0.1", "What is not established", "Advice", "full trainings in all", "Current settings",
    ):  # fmt: skip
        assert words in text


def test_a_sentence_that_two_findings_share_is_said_once(recommended: Study) -> None:
    assert summarize(recommended).count("a longer run tolerates less") == 1


def test_every_study_is_json_without_nan(any_study: Study) -> None:
    document = json.loads(json.dumps(study_to_json(any_study), allow_nan=False))
    assert {"version", "outcome", "plan", "cost", "confirmed", "current", "findings", "advice", "experiments"} <= document.keys()


def test_json_is_the_document_of_tune_with_experiments(recommended: Study) -> None:
    document = study_to_json(recommended)
    plan = recommended.plan
    assert plan is not None
    assert dataclasses.replace(Plan.from_dict(document), cost=plan.cost) == plan
    assert document["cost"]["total"] == pytest.approx(plan.cost.total)
    experiments = {experiment["probe"]: experiment for experiment in document["experiments"]}
    assert list(experiments) == [experiment.probe for experiment in recommended.experiments()]
    first, *_, lost = experiments["peak_lr"]["arms"]
    assert first["value"] == 0.05
    assert first["final_valid_loss"] > 1
    assert first["cost"] == pytest.approx(0.03, abs=0.01)
    assert (lost["outcome"], lost["final_valid_loss"]) == ("diverged", None)
    assert experiments["momentum"]["findings"][0]["interval"] == [0.9, 0.97]


def test_an_unfinished_study_has_no_outcome_and_no_plan(tmp_path_factory: pytest.TempPathFactory) -> None:
    import fake_study  # noqa: PLC0415 (beside the tests: on the path once conftest is loaded)

    document = study_to_json(fake_study.unfinished(tmp_path_factory.mktemp("studies") / "unfinished"))
    assert document["outcome"] is None
    assert document["plan"] is None
    assert document["cost"]["search"] > 0
