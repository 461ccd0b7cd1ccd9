"""Scores of probabilities, the committed pairs, and cuts of full runs."""

import json
import math
from pathlib import Path

import pytest
from benchmarks.clues.calibration import brier, draw, reliability
from benchmarks.clues.cut_runs import cut_pairs, log_of
from benchmarks.clues.foresight import foresight, of_lower, reliability_table, table
from benchmarks.clues.pairs import main, stated_of_short
from benchmarks.clues.short_runs import FIT_TASKS, REPORT_TASKS, ROWS, TASKS, contenders, pairs_of
from benchmarks.proof.cache import Rows

TABLE = ROWS.parent / "clues_pairs.json"


def test_a_coin_toss_scores_a_quarter_and_certainty_nothing() -> None:
    assert (brier([0.5, 0.5]), brier([1.0]), brier([0.0])) == (0.25, 0.0, 1.0)


def test_every_forecast_is_in_one_bin() -> None:
    stated = [0.5, 0.55, 0.4, 0.1, 0.97, 0.03, 1.0, 0.0, 0.8]
    bins = reliability(stated)
    assert sum(part.n for part in bins) == len(stated)
    assert bins[0].observed == pytest.approx((0.5 + 1) / 2)
    assert "| x | 0.9 to 1 | 5 |" in "\n".join(reliability_table({"x": stated}))


def test_the_baseline_is_as_sure_as_it_is_right() -> None:
    found = of_lower([1.0, 1.0, 0.0, 0.5], rate=0.75)
    assert (found.n, found.decided, found.right) == (4, 0.75, 2 / 3)
    assert found.brier == pytest.approx((0.0625 + 0.0625 + 0.5625 + 0.25) / 4)


def test_the_table_has_a_row_for_each_group() -> None:
    score = foresight([0.9])
    lines = table({"all": {"a": score, "b": score}})
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")


def test_the_picture_is_small(tmp_path: Path) -> None:
    draw({"one": [0.9, 0.2, 0.6], "none sure": [0.5]}, tmp_path / "a.png")
    assert 0 < (tmp_path / "a.png").stat().st_size < 60_000


def test_a_cut_log_stops_where_it_is_cut() -> None:
    row = Rows(ROWS / "wine_mlp.jsonl").get({"index": 0})
    assert row is not None
    log = log_of(row, seed=0, share=0.6)
    assert log.valid_loss.step[-1] <= 0.6 * row["total_steps"] < log.valid_loss.step[-1] + row["total_steps"] / 20
    assert log.lr.value.max() == pytest.approx(row["settings"]["lr"], rel=0.05)
    assert log_of(row, seed=1, share=1.0).valid_loss.step[-1] == row["total_steps"]


def test_of_a_cut_pair_the_better_is_first() -> None:
    row_ends = {tuple(row["full"][0]["valid_loss"]): float(row["full"][1]["end"]) for _, row in Rows(ROWS / "wine_mlp.jsonl").all()}
    for pair in cut_pairs(ROWS, names=["wine_mlp"], shares=(1.0,))[:200:2]:
        better, worse = (row_ends.get(tuple(log.valid_loss.value.tolist())) for log in pair.logs)
        if better is not None and worse is not None:
            assert better < worse or math.isinf(worse)


def test_no_task_is_in_both_halves_and_each_has_pairs() -> None:
    assert not set(FIT_TASKS) & set(REPORT_TASKS)
    assert all(len(pairs_of(contenders(ROWS, names=[name]))) >= 100 for name in TASKS)


def test_the_committed_scores_are_those_of_the_committed_rows() -> None:
    pairs = pairs_of(contenders(ROWS, names=["wine_mlp"]))
    stored = json.loads(TABLE.read_text(encoding="utf-8"))["short"]["wine_mlp"]["outlook, plain"]
    found = foresight(stated_of_short(pairs, "plain"))
    assert (found.n, found.decided, found.right, found.brier) == pytest.approx((stored["n"], stored["decided"], stored["right"], stored["brier"]))


def test_the_committed_scores_meet_the_aim() -> None:
    scores = json.loads(TABLE.read_text(encoding="utf-8"))["short"]
    for kind in ("plain", "matched"):
        ours, lower = scores["report half"][f"outlook, {kind}"], scores["report half"][f"lower loss, {kind}"]
        assert ours["decided"] >= 0.5
        assert ours["right"] >= 0.85
        assert ours["brier"] < lower["brier"]


@pytest.mark.slow
def test_the_command_scores_what_is_on_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--cached", "--tasks", "digits_cnn", "--out", str(tmp_path), "--picture", str(tmp_path / "a.png")])
    assert "| digits_cnn | 225 |" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"clues_pairs.json", "clues_pairs.md", "a.png"}
