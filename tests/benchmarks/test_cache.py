import json
import math
import multiprocessing
from pathlib import Path

import pytest
from benchmarks.proof.cache import Rows


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return Rows(tmp_path / "task" / "trainings.jsonl")


def test_a_value_comes_back_in_another_process_too(rows: Rows) -> None:
    rows.put({"seed": 1, "lr": 0.1}, {"loss": 0.5})
    assert Rows(rows.path).get({"lr": 0.1, "seed": 1}) == {"loss": 0.5}


def test_the_first_row_of_a_key_counts(rows: Rows) -> None:
    rows.put({"seed": 1}, {"loss": 0.5})
    rows.put({"seed": 1}, {"loss": 0.7})
    assert Rows(rows.path).get({"seed": 1}) == {"loss": 0.5}
    assert len(Rows(rows.path).all()) == 1


def test_what_another_writer_appends_is_seen_without_opening_anew(rows: Rows) -> None:
    assert rows.get({"seed": 1}) is None
    Rows(rows.path).put({"seed": 1}, {"loss": 0.5})
    assert rows.get({"seed": 1}) == {"loss": 0.5}


def test_nan_and_infinities_become_null(rows: Rows) -> None:
    rows.put({"seed": 1}, {"losses": [math.inf, math.nan, 1.0]})
    assert rows.get({"seed": 1}) == {"losses": [None, None, 1.0]}


def test_a_value_is_made_once(rows: Rows) -> None:
    made = []
    for _ in range(2):
        rows.once({"seed": 1}, lambda: made.append(1) or {"loss": 0.5})
    assert len(made) == 1


def test_a_line_that_a_killed_writer_left_is_passed_over_and_said(rows: Rows, capsys: pytest.CaptureFixture[str]) -> None:
    rows.put({"seed": 1}, {"loss": 0.5})
    with rows.path.open("a") as file:
        file.write('{"key": {"seed": 2}, "val')
    rows.put({"seed": 3}, {"loss": 0.7})
    read = Rows(rows.path)
    assert [key["seed"] for key, _ in read.all()] == [1, 3]
    assert read.get({"seed": 2}) is None
    assert "passed over a line" in capsys.readouterr().err


def write_many(path: Path, first: int) -> None:
    rows = Rows(path)
    for seed in range(first, first + 200):
        rows.put({"seed": seed}, {"loss": [float(seed)] * 50})


def test_writers_at_the_same_time_corrupt_nothing(rows: Rows) -> None:
    processes = [multiprocessing.get_context("spawn").Process(target=write_many, args=(rows.path, 100 * i)) for i in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    lines = rows.path.read_text().splitlines()
    assert len(lines) == 600
    assert {json.loads(line)["key"]["seed"] for line in lines} == set(range(400))
    assert all(value["loss"] == [float(key["seed"])] * 50 for key, value in rows.all())
