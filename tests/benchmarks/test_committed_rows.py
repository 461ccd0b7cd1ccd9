"""The committed rows: the bench's own loop still gives them, and the committed tables are what they add up to."""

import json
from itertools import islice
from pathlib import Path

import pytest
from benchmarks.ablation.__main__ import main as ablation
from benchmarks.finders.__main__ import main as finders
from benchmarks.finders.what_if import RULES
from benchmarks.finders.what_if import main as what_if
from benchmarks.proof.__main__ import main
from benchmarks.proof.collect import task_rows
from benchmarks.proof.command import RESULTS
from benchmarks.proof.store import Store
from benchmarks.proof.tasks import TASKS_FOLDER, find_tasks

from tunesmith.engine import check_task
from tunesmith.settings import Settings

SHORT = 1 / 8
KEPT_APART = TASKS_FOLDER.parent / "kept_apart"
NAMES_KEPT_APART = [task.name for task in find_tasks(None, folder=KEPT_APART)]


def kept_apart(name: str) -> Store:
    return Store(RESULTS / "kept_apart", find_tasks([name], folder=KEPT_APART)[0])


@pytest.mark.parametrize("name", ["digits_cnn", "digits_finetune"])
def test_the_bare_loop_gives_the_committed_trainings(name: str) -> None:
    assert_the_bare_loop_gives_them(Store(RESULTS, find_tasks([name])[0]))


@pytest.mark.usefixtures("data_folder")
@pytest.mark.parametrize("name", ["alcohol_likelihood", "red_wine_tiny"])
def test_the_bare_loop_gives_the_committed_trainings_kept_apart(name: str) -> None:
    assert_the_bare_loop_gives_them(kept_apart(name))


def assert_the_bare_loop_gives_them(store: Store) -> None:
    short = (row for row in task_rows(store).reference if row["share"] <= SHORT and row["outcome"] == "finished" and row["settings"]["lr"] < 0.1)
    for row in islice(short, 3):
        again = store.train(Settings.from_dict(row["settings"]), total_steps=row["total_steps"], seed=row["seed"])
        # The same bits on the machine that trained them; elsewhere sums may be taken in another order.
        assert again["test"] == pytest.approx(row["test"], rel=1e-2)
        assert (again["trained"], again["evaluated"]) == (row["trained"], row["evaluated"])


@pytest.mark.parametrize("name", NAMES_KEPT_APART)
def test_random_settings_and_oracle_are_there_for_the_tasks_kept_apart(name: str) -> None:
    assert task_rows(kept_apart(name)).why_not_measured == ""


@pytest.mark.slow
@pytest.mark.usefixtures("data_folder")
@pytest.mark.parametrize("name", NAMES_KEPT_APART)
def test_the_tasks_kept_apart_load_and_train_a_step(name: str) -> None:
    store = kept_apart(name)
    checked, facts = check_task(store.task.whole), store.known_facts()
    assert facts is not None
    assert (checked.n_parameters, checked.n_valid) == (facts.parameters, facts.n_valid)


OF_KEPT_APART = ["--task-folder", str(KEPT_APART), "--cache", str(RESULTS / "kept_apart"), "--methods", "ladder@1,report@1,untuned", "--studies", "5"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "folder"), [("bench", [], RESULTS), ("bench-quick", ["--quick"], RESULTS), ("bench", OF_KEPT_APART, RESULTS / "kept_apart")]
)
def test_the_committed_tables_are_what_the_rows_add_up_to(tmp_path: Path, name: str, options: list[str], folder: Path) -> None:
    assert main([*options, "--cached", "--out", str(tmp_path)]) == 0
    made, committed = (json.loads((place / f"{name}.json").read_text()) for place in (tmp_path, folder))
    for document in (made, committed):
        for result in document["results"]:  # the package may have changed since, of which the tables tell
            result.pop("is_current", None)
            for study in result["studies"]:
                del study["is_current"]
    for part in ("tasks", "methods", "overall", "results", "snapshots", "curves", "profiles", "wins", "cost_ratios", "coverage"):
        assert made[part] == committed[part], part


def test_the_committed_table_of_finders_is_what_the_rows_add_up_to(tmp_path: Path) -> None:
    assert finders(["--cached", "--out", str(tmp_path)]) == 0
    made, committed = (json.loads((folder / "finders.json").read_text()) for folder in (tmp_path, RESULTS))
    for document in (made, committed):
        for line in (*document["pairs"], *document["methods"]):  # the package may have changed since, of which the table tells
            del line["is_current"]
    for part in ("tasks", "pairs", "methods"):
        assert made[part] == committed[part], part


def test_the_committed_table_of_the_ablation_is_what_the_rows_add_up_to(tmp_path: Path) -> None:
    assert ablation(["--cached", "--studies", "2", "--out", str(tmp_path)]) == 0
    made, committed = ((folder / "ablation.md").read_text().splitlines() for folder in (tmp_path, RESULTS))
    assert [line for line in made if line.startswith("|")] == [line for line in committed if line.startswith("|")]


def test_other_rates_are_judged_from_the_committed_rows(capsys: pytest.CaptureFixture[str]) -> None:
    what_if()
    said = capsys.readouterr().out
    assert said.count("| suggested |") == 3
    assert all(said.count(f"| {rule} |") == 3 for rule in RULES)
