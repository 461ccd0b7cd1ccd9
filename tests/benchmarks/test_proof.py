"""The proof bench from its command line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from benchmarks.proof import tasks
from benchmarks.proof.methods import find_methods
from tests.benchmarks.made_up import ROOT, TINY, Document, Finished, bench, options_of, write_inputs


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("bench")
    write_inputs(folder)
    ran = bench(folder)
    assert ran.returncode == 0, ran.stderr
    return folder, ran


@pytest.fixture
def document(finished: Finished) -> Document:
    return json.loads((finished[0] / "out" / "bench.json").read_text())


def result(document: Document, method: str) -> Document:
    return next(result for result in document["results"] if result["method"] == method)


def test_the_reference_holds_every_length_and_the_oracle_fifty_retrainings(document: Document) -> None:
    task = document["tasks"]["tiny"]
    assert task["reference"]["n"] == 96
    assert task["oracle"]["n"] == 50
    assert task["oracle"]["spread"] > 0


def test_a_method_is_scored_by_retrainings_on_fresh_seeds(document: Document) -> None:
    good = result(document, "good")
    assert good["state"] == "done"
    assert good["n_studies"] == 2
    assert len(good["studies"][0]["tests"]) == 3
    # Half a training of 64 examples, and of 16 evaluations of 32 examples half, at a third of the price; then the final training.
    assert good["search"] == pytest.approx(0.5 + 4 * 32 / 3 / 128)
    assert good["total"] == pytest.approx(good["search"] + 1.0)


def test_a_method_with_a_trainer_of_its_own_is_judged_by_the_bench(document: Document) -> None:
    own = result(document, "own_trainer")
    assert own["state"] == "done"
    # Eight updates at .5 learn more than the median random setting does; the network that is judged is the one that was trained.
    assert own["percentile"] < 50
    assert own["failed"] == 0


def test_the_method_of_the_readme_works(document: Document) -> None:
    assert result(document, "from_the_readme")["state"] == "done"


def test_a_method_that_goes_on_searching_has_a_point_a_choice(document: Document) -> None:
    assert document["methods"]["searcher@12"]["searches_on"]
    by_total = {one["total"]: one["test"] for one in document["snapshots"] if one["method"] == "searcher@12"}
    assert by_total[3.0] != by_total[10.0]
    assert document["curves"]["searcher@12"]["tiny"]


@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("crashing", "ValueError: no suggestion | none at all"),
        ("not_installed", "ModuleNotFoundError: No module named 'a_peer_that_nobody_has'"),
        ("dying", "its process died with signal 9"),
        ("dying_trainer", "its process died with signal 9"),
        ("leaving", "its process ended without a result"),
        ("nan_settings", "InputError: Settings.lr must be finite and > 0, got nan."),
        ("half_settings", "ValueError: half_settings.py: a Choice must have settings that are those of Settings.to_dict(); use Choice.of, got"),
        ("nan_cost", "ValueError: nan_cost.py: a Choice must have finite costs ≥ 0, got"),
        ("large_batch", "ValueError: large_batch.py: a Choice must have a whole number batch_size in [1, 64], got"),
    ],
)
def test_a_method_that_fails_is_a_row_that_says_so(finished: Finished, document: Document, method: str, why: str) -> None:
    assert result(document, method)["state"] == "crashed"
    assert len(result(document, method)["why"]) == 1
    assert result(document, method)["why"][0].startswith(why)
    assert why.replace("|", "/") in (finished[0] / "out" / "bench.md").read_text()
    assert result(document, method)["percentile"] == 100
    assert result(document, method)["failed"] == 1
    assert document["profiles"]["shares"][method][-1] == 0
    assert any(line.startswith(f"tiny: {method}, study 1: {why}") for line in document["missing"])


def test_a_trainer_that_raises_counts_as_one_that_diverges(document: Document) -> None:
    assert result(document, "crashing_trainer")["studies"][0]["tests"] == [None, None, None]
    assert result(document, "crashing_trainer")["failed"] == 1
    assert result(document, "crashing_trainer")["why"] == ["crashed: ValueError: no training"]


def test_what_a_search_does_to_the_data_is_gone_when_its_choice_is_trained(document: Document) -> None:
    assert result(document, "mutating")["percentile"] < 50


def test_what_a_search_leaves_running_is_not_waited_for(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished[0], tmp_path / "copy")
    bench(tmp_path / "copy", "--methods", "leaving_a_child", "--studies", "1")
    found = json.loads((tmp_path / "copy" / "out" / "bench.json").read_text())
    assert result(found, "leaving_a_child")["state"] == "done"


def test_a_study_that_crashed_counts_beside_those_that_did_not(finished: Finished, tmp_path: Path) -> None:
    folder, _ = finished
    shutil.copytree(folder, tmp_path / "copy")
    path = tmp_path / "copy" / "methods" / "good.py"
    path.write_text(path.read_text() + "\nmade_today = True\n")
    text = path.read_text()
    path.write_text(text.replace("def choose(problem, *, seed):", "def choose(problem, *, seed):\n    if seed == 1:\n        raise ValueError('not today')"))
    assert result_of(tmp_path / "copy")["n_crashed"] == 0  # shown are the studies of the former code
    bench(tmp_path / "copy", "--methods", "good")
    found = result_of(tmp_path / "copy")
    assert (found["n_studies"], found["n_crashed"], found["state"]) == (1, 1, "done")
    assert found["percentiles"][1] == 100
    assert found["failed"] >= 0.5


def test_again_trains_nothing_but_what_failed_and_gives_the_same_bytes(finished: Finished) -> None:
    folder, _ = finished
    before = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    again = bench(folder)
    assert "random settings" not in again.stderr
    assert "good" not in again.stderr
    assert "crashing, study 0" in again.stderr
    cached = bench(folder, "--cached")
    assert "[1/" not in cached.stderr
    assert before == {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def test_the_tables_are_drawn_without_the_tasks_data(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = finished
    before = (folder / "out" / "bench.md").read_text()
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("out"))
    monkeypatch.setattr(tasks, "load_task", None)
    assert bench(tmp_path / "copy", "--cached").returncode == 0
    assert (tmp_path / "copy" / "out" / "bench.md").read_text() == before


def test_a_changed_task_meets_no_old_rows_but_a_comment_changes_nothing(finished: Finished, tmp_path: Path) -> None:
    folder, _ = finished
    shutil.copytree(folder, tmp_path / "copy")
    path = tmp_path / "copy" / "tasks" / "tiny.py"
    path.write_text("# a comment\n" + TINY)
    assert result_of(tmp_path / "copy")["state"] == "done"
    path.write_text(TINY.replace("epochs=2", "epochs=3"))
    bench(tmp_path / "copy", "--cached")
    assert json.loads((tmp_path / "copy" / "out" / "bench.json").read_text())["results"] == []


def result_of(folder: Path) -> Document:
    bench(folder, "--cached")
    return result(json.loads((folder / "out" / "bench.json").read_text()), "good")


def test_what_is_filed_is_what_was_run_though_the_file_is_edited_meanwhile(finished: Finished) -> None:
    method = find_methods(["good"], folder=finished[0] / "methods")[0]
    text = method.path.read_text()
    try:
        method.path.write_text("raise ValueError")
        assert callable(method.module.choose)
    finally:
        method.path.write_text(text)


def test_a_method_whose_code_changed_is_run_again_and_until_then_shown_as_old(finished: Finished, tmp_path: Path) -> None:
    folder, _ = finished
    shutil.copytree(folder, tmp_path / "copy")
    path = tmp_path / "copy" / "methods" / "good.py"
    path.write_text(path.read_text().replace("share=0.5", "share=0.25"))
    assert not result_of(tmp_path / "copy")["is_current"]
    ran = bench(tmp_path / "copy", "--methods", "good")
    assert "good, study 1" in ran.stderr
    assert result_of(tmp_path / "copy")["is_current"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def task(:\n", "bad.py must be Python, and line 1 is not"),
        ("def task():\n    return 3\n", "bad.py:task must return a tunesmith.Task, got int"),
        ("import os\ndef task():\n    return os.environ['TUNESMITH_DATA_X']\n", "raised KeyError: 'TUNESMITH_DATA_X'"),
        (TINY.replace("test=part(32, 2), ", ""), "bad.py: Task.test must be given"),
        (TINY.replace("epochs=2", "epochs=2, ema=.9"), "Task.ema must be None"),
    ],
)
def test_a_task_file_with_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    write_inputs(tmp_path)
    (tmp_path / "tasks" / "bad.py").write_text(text)
    ran = bench(tmp_path, "--tasks", "bad")
    assert ran.returncode == 2
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tasks", "tyni"), "TASKS must be among tiny, got tyni"),
        (("--methods", "goood"), "METHODS must be among crashing, crashing_trainer, dying, dying_trainer, from_the_readme, good, half_settings,"),
        (("--methods", "searcher@much"), "must be a number of full trainings, got 'searcher@much'"),
        (("--methods", "searcher@0"), "a budget must be finite and > 0, got 'searcher@0'"),
        (("--methods", "searcher"), "searcher takes a budget: write searcher@1; got 'searcher'"),
        (("--methods", "good@3"), "good takes no budget: write good; got 'good@3'"),
        (("--methods", "without_choose"), "without_choose.py must define choose(problem, *, seed), and does not"),
        (("--studies", "0"), "--studies must be ≥ 1"),
    ],
)
def test_a_wrong_name_is_told_with_what_there_is(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    write_inputs(tmp_path)
    ran = bench(tmp_path, *options)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_two_benches_and_a_killed_one_leave_the_same_tables(finished: Finished, tmp_path: Path) -> None:
    folder, _ = finished
    write_inputs(tmp_path)
    given: dict[str, Any] = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    words = [sys.executable, "-m", "benchmarks.proof", *options_of(tmp_path)]
    first = subprocess.Popen(words, start_new_session=True, **given)
    while not (tmp_path / "cache" / "tiny" / "reference.jsonl").exists():
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    both = [subprocess.Popen(words, **given) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    documents = [json.loads((one / "out" / "bench.json").read_text()) for one in (folder, tmp_path)]
    for document in documents:
        del document["made"], document["cpu_hours"]
        for line in document["results"]:
            line.pop("seconds", None)
            for study in line["studies"]:
                del study["seconds"]
    assert documents[0] == documents[1]
