"""The speed bench: every measurement gives finite rows, and a peer that is not there is a row that says so. No time is asserted."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from benchmarks.machine import describe_machine
from benchmarks.speed import in_script, in_script_valid, logs, loop, memory, range_test, report_time, short_runs, startup, store
from benchmarks.speed.peers import Peer, Sweep
from benchmarks.speed.row import UNAVAILABLE, Row, missing, ratios
from benchmarks.speed.studies import write_study
from benchmarks.speed.table import head, section
from benchmarks.speed.turns import Seconds, take_turns
from torch.utils.data import DataLoader, TensorDataset

from tunesmith.report import summarize
from tunesmith.study import Study

ABSENT = Peer(name="nobody's range test", package="nobody-wrote-this", module="nobody_wrote_this", run=lambda sweep: sweep.steps)
REPOSITORY = Path(__file__).parents[2]


def assert_finite(rows: list[Row]) -> None:
    assert rows
    for row in rows:
        assert row.quartiles is not None, row
        assert all(map(math.isfinite, row.quartiles)), row


@pytest.mark.slow
def test_loop() -> None:
    assert_finite(loop.measure(loop.Sizes(turns=2, mlp_steps=3, lenet_steps=1, memory_steps=20)))


@pytest.mark.slow
def test_a_range_test_inside_a_script() -> None:
    assert_finite(in_script.measure(in_script.Sizes(mlp_turns=1, lenet_turns=1, steps=20)))


def test_a_range_test_with_validation_inside_a_script() -> None:
    train, valid = (TensorDataset(torch.randn(n, 1, 28, 28), torch.arange(n) % 10) for n in (640, 200))
    rows = in_script_valid.compare(in_script.loader_of(train), DataLoader(valid, batch_size=100), turns=1, steps=20)
    assert_finite([row for row in rows if row.samples])
    assert len(rows) == 5 if rows[0].samples else [row.note for row in rows if not row.samples] == [f"{UNAVAILABLE}: torch-lr-finder"]


def test_without_the_data_sets_the_row_says_so() -> None:
    (row,) = in_script_valid.on_mnist(in_script_valid.QUICK, has_data=False)
    assert row.note == f"{UNAVAILABLE}: the data sets of TUNESMITH_DATA"
    assert row.samples == ()


@pytest.mark.slow
def test_memory_of_a_range_test() -> None:
    peaks = [memory.peak_of(who, width=3000, steps=20, clears_gradients=True) for who in (memory.BARE, memory.OURS)]
    assert peaks[0].state == peaks[1].state == 2 * 4 * 2 * (3000**2 + 3000)
    assert peaks[0].peak < peaks[1].peak < peaks[0].peak + 1.5 * peaks[0].state


@pytest.mark.slow
def test_short_runs_in_this_process() -> None:
    assert_finite(short_runs.measure(short_runs.Sizes(turns=1, runs=1, overhead_turns=2, workers=())))


@pytest.mark.slow
def test_short_runs_with_workers() -> None:
    rows = short_runs.measure(short_runs.Sizes(turns=1, runs=2, overhead_turns=1, workers=(1, 2)))
    assert_finite(rows)
    assert "digits: in this process / 2 workers" in {row.subject for row in rows}


@pytest.mark.slow
def test_store() -> None:
    rows = store.measure(store.Sizes(turns=2, runs=3, points=10))
    assert_finite(rows)
    assert {row.subject: row for row in rows}["one .npz: size"].samples[0] > 24


@pytest.mark.slow
def test_report_time() -> None:
    assert_finite(report_time.measure(report_time.Sizes(turns=1, runs=(8, 12), points=30)))


@pytest.mark.slow
def test_startup_loads_no_torch() -> None:
    rows = startup.measure(startup.Sizes(turns=1, runs=8, points=20))
    assert_finite(rows)
    assert [row.samples for row in rows if row.unit == "modules"] == [(0.0,)] * 3


TINY_SWEEP = range_test.Sizes(mlp_turns=1, lenet_turns=0, steps=20, n_valid=30)


@pytest.mark.slow
def test_range_test_with_absent_peers() -> None:
    rows = range_test.measure(TINY_SWEEP, plain=[ABSENT], validating=[ABSENT])
    absent = [row for row in rows if ABSENT.name in row.subject]
    assert_finite([row for row in rows if row not in absent])
    assert [row.note for row in absent] == [f"{UNAVAILABLE}: nobody-wrote-this"] * 2
    assert all(row.to_dict()["median"] is None for row in absent)


@pytest.mark.slow
def test_range_test_with_a_peer() -> None:
    peer = Peer(name="a peer", package="json", module="json", run=lambda sweep: sweep.steps)
    rows = range_test.measure(TINY_SWEEP, plain=[peer], validating=[])
    assert_finite(rows)
    assert "MLP, no validation: a peer / ours" in {row.subject for row in rows}


def test_a_range_test_that_stops_early_is_refused() -> None:
    def stops(sweep: Sweep) -> int:
        return sweep.steps - 1

    with pytest.raises(RuntimeError, match="must make all 20 steps"):
        range_test.measure(TINY_SWEEP, plain=[Peer(name="a peer", package="json", module="json", run=stops)], validating=[])


def test_contenders_take_turns() -> None:
    order: list[str] = []

    def contender(name: str, turn: int) -> Seconds:
        order.append(name)
        return Seconds(cpu=1.0 + turn, wall=2.0)

    found = take_turns({name: lambda turn, name=name: contender(name, turn) for name in "ab"}, turns=2)
    assert order == ["b", "a", "a", "b", "b", "a"]  # the first turn warms up
    assert [one.cpu for one in found["a"]] == [1.0, 2.0]


def test_ratios_are_of_the_same_turn() -> None:
    row = Row(subject="a / b", unit="CPU ratio", samples=ratios([2.0, 8.0, 3.0], [1.0, 2.0, 1.0]))
    assert row.quartiles == (2.5, 3.0, 3.5)


def test_a_made_up_study_can_be_read(tmp_path: Path) -> None:
    write_study(tmp_path / "study", runs=120, points=20)
    with Study.open(tmp_path / "study") as study:
        assert len(study.runs()) == 120
        assert "made up" in summarize(study)


def test_the_table() -> None:
    rows = [Row(subject="a", unit="ms", samples=(1.0, 2.0, 3.0), note="why"), Row(subject="b", unit="ms", samples=(1234.5,)), missing("c", "ms", package="d")]
    lines = section("name", "text", rows).splitlines()
    assert lines[-3:] == ["| a | 2 | 1.5 to 2.5 | 3 | ms | why |", "| b | 1,234 |  | 1 | ms |  |", "| c | | | 0 | ms | not installed: d |"]
    assert {"processor", "cores", "python", "versions", "commit", "date"} <= describe_machine().keys()
    assert "- cpu: it" in head({"cpu": "it", "versions": {"torch": "2.13.0"}})


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "speed.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed", "--quick", "--only", "store", "--out", str(out)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    document = json.loads(out.read_text())
    assert "## store" in done.stdout
    assert document["machine"]["length"] == "quick"
    assert all(row["n"] == len(row["samples"]) for row in document["measurements"]["store"])


def test_logs_of_every_format_are_read() -> None:
    rows = logs.measure(logs.Sizes(turns=1, rows=50))
    assert {"CSV, 50 rows", "JSON lines, 50 rows", "trainer_state.json, 50 rows"} <= {row.subject for row in rows}
    assert all(sample > 0 for row in rows for sample in row.samples)
