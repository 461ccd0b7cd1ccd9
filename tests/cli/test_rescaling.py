import json
from pathlib import Path

import pytest
from tests.cli.harness import Typed, make_plan, make_study

from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.plan_file import write_plan
from tunesmith.study import Study


@pytest.fixture
def long_study(tmp_path: Path) -> Path:
    """A study whose plan has 1,000 updates at batch size 64 over 64,000 examples."""
    return make_study(tmp_path / "long", plan=make_long_plan())


def make_long_plan() -> Plan:
    data = make_plan().to_dict()
    return Plan.from_dict(data | {"plan": {**data["plan"], "total_steps": 1000}, "task": {**data["task"], "n_train": 64_000}})  # type: ignore[dict-item]


def test_the_text_is_a_table_and_sentences(run: Typed, long_study: Path) -> None:
    ended = run("rescale", long_study, "--batch-size", 256)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "Batch size 64 → 256: repeat the range test first."
    assert lines[2].split() == ["before", "after", "may", "be"]
    assert "Peak learning rate    0.5     1      0.5 to 2" in lines
    assert "Updates               1,000   250" in lines
    assert any(line.startswith("Advice: Repeat the range test before you train") for line in lines)
    assert any(line.startswith("- max lr 1 (0.5 to 2), confidence 0.5:") for line in lines)


def test_json_is_as_the_page_says(run: Typed, long_study: Path) -> None:
    document = json.loads(run("rescale", long_study, "--batch-size", 256, "--devices", 2, "--format", "json").out)
    assert list(document) == ["version", "outcome", "plan", "changes", "split", "findings", "advice"]
    assert document["plan"]["batch_size"] == document["changes"]["batch_size"]["after"] == 256
    assert document["split"] == {"devices": 2, "per_device": 128, "micro_batch_size": 128, "accumulation": 1}
    assert [finding["kind"] for finding in document["findings"]] == ["rescaled", "max_lr", "weight_decay", "momentum", "length", "epochs_to_same_loss"]


def test_what_the_study_measured_is_used(run: Typed, long_study: Path) -> None:
    with Study.open(long_study) as opened:
        fingerprint, description = opened.fingerprint, opened.description
    measured = Finding(kind="lr_exponent", value=1.0, interval=(0.75, 1.0), confidence=0.7, evidence="Three sizes.", not_established="Other lengths.")
    with Study.create(long_study, fingerprint=fingerprint, description=description) as study:
        study.put_experiment(Experiment(probe="batch_size", arms=(), findings=(measured,)))
    document = json.loads(run("rescale", long_study, "--batch-size", 128, "--format", "json").out)
    assert document["plan"]["max_lr"] == 1.0


def test_the_new_plan_is_written_and_can_be_rescaled_again(run: Typed, long_study: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.toml"
    ended = run("rescale", long_study, "--batch-size", 128, "--out", new)
    assert (ended.code, ended.err) == (0, f"Plan: {new}\n")
    plan = Plan.load(new)
    assert (plan.batch_size, plan.total_steps, plan.confirmed, plan.outcome) == (128, 500, None, StudyOutcome.RECOMMENDED)
    assert "not tested" in plan.advice[-1]
    assert run("export", new, "--to", "torch").code == 0
    again = run("rescale", new, "--batch-size", 256)
    assert again.out.startswith("Batch size 128 → 256: repeat the range test first.")


def test_a_plan_of_its_own_size_stays(run: Typed, long_study: Path) -> None:
    assert run("rescale", long_study, "--batch-size", 64).out.startswith("Batch size 64 → 64: nothing changes.")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--batch-size", 0), "0 is not in the range x>=1"),
        (("--batch-size", 8, "--devices", 0), "0 is not in the range x>=1"),
        ((), "Missing option '--batch-size'"),
        (("--batch-size", 64_001), "from 1 to the plan's 64000 training examples, got 64001"),
        (("--batch-size", 100, "--devices", 8), "a multiple of the number of devices, got 100 for 8. Take 96 or 104."),
        (("--batch-size", 8, "--out", "nowhere/new.toml"), "--out must name a file in a folder that exists"),
    ],
)
def test_bad_input_is_one_sentence(run: Typed, long_study: Path, words: tuple[object, ...], sentence: str) -> None:
    ended = run("rescale", long_study, *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert sentence in ended.err


def test_no_plan_is_one_sentence(run: Typed, unfinished: Path, tmp_path: Path) -> None:
    for place, sentence in (
        (unfinished, "must have ended before its plan can be used"),
        (make_study(tmp_path / "probe", plan=None, recipe="lr_range"), "holds a single probe, lr range, which makes none."),
        (make_study(tmp_path / "abstained", plan=make_plan(StudyOutcome.ABSTAINED)), "ended with 'abstained'"),
        (tmp_path / "nothing.toml", "must be a file that can be read"),
    ):
        ended = run("rescale", place, "--batch-size", 8)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert sentence in ended.err


def test_neither_the_old_plan_nor_a_study_is_written_over(run: Typed, long_study: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.toml"
    write_plan(make_long_plan(), old)
    for place, out in ((old, old), (old, long_study / "plan.toml"), (long_study, long_study / "study.sqlite")):
        before = old.read_bytes()
        ended = run("rescale", place, "--batch-size", 128, "--out", out)
        assert ended.code == 2
        assert "--out must not be the plan that is rescaled nor a file of a study" in ended.err
        assert old.read_bytes() == before
