"""The committed rows: the bench's own loop still gives them, and the committed tables are what they add up to."""

import json
from itertools import islice
from pathlib import Path

import pytest
from benchmarks.finders.__main__ import main as finders
from benchmarks.finders.what_if import RULES
from benchmarks.finders.what_if import main as what_if
from benchmarks.proof.__main__ import main
from benchmarks.proof.collect import task_rows
from benchmarks.proof.command import RESULTS
from benchmarks.proof.store import Store
from benchmarks.proof.tasks import find_tasks

from tunesmith.settings import Settings

SHORT = 1 / 8


@pytest.mark.parametrize("name", ["digits_cnn", "digits_finetune"])
def test_the_bare_loop_gives_the_committed_trainings(name: str) -> None:
    store = Store(RESULTS, find_tasks([name])[0])
    short = (row for row in task_rows(store).reference if row["share"] <= SHORT and row["outcome"] == "finished" and row["settings"]["lr"] < 0.1)
    for row in islice(short, 3):
        again = store.train(Settings.from_dict(row["settings"]), total_steps=row["total_steps"], seed=row["seed"])
        # The same bits on the machine that trained them; elsewhere sums may be taken in another order.
        assert again["test"] == pytest.approx(row["test"], rel=1e-2)
        assert (again["trained"], again["evaluated"]) == (row["trained"], row["evaluated"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), [("bench", []), ("bench-quick", ["--quick"])])
def test_the_committed_tables_are_what_the_rows_add_up_to(tmp_path: Path, name: str, options: list[str]) -> None:
    assert main([*options, "--cached", "--out", str(tmp_path)]) == 0
    made, committed = (json.loads((folder / f"{name}.json").read_text()) for folder in (tmp_path, RESULTS))
    for document in (made, committed):
        for result in document["results"]:  # the package may have changed since, of which the tables tell
            result.pop("is_current", None)
            for study in result["studies"]:
                del study["is_current"]
    for part in ("tasks", "methods", "overall", "results", "snapshots", "curves", "profiles", "wins", "cost_ratios"):
        assert made[part] == committed[part], part


def test_the_committed_table_of_finders_is_what_the_rows_add_up_to(tmp_path: Path) -> None:
    assert finders(["--cached", "--out", str(tmp_path)]) == 0
    made, committed = (json.loads((folder / "finders.json").read_text()) for folder in (tmp_path, RESULTS))
    for document in (made, committed):
        for line in (*document["pairs"], *document["methods"]):  # the package may have changed since, of which the table tells
            del line["is_current"]
    for part in ("tasks", "pairs", "methods"):
        assert made[part] == committed[part], part


def test_other_rates_are_judged_from_the_committed_rows(capsys: pytest.CaptureFixture[str]) -> None:
    what_if()
    said = capsys.readouterr().out
    assert said.count("| suggested |") == 3
    assert all(said.count(f"| {rule} |") == 3 for rule in RULES)
