import json
from pathlib import Path

import pytest
from tests.cli.harness import Typed

from tunesmith.schedules import SCHEDULES
from tunesmith.settings import USUAL_CYCLES


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_has_a_table(run: Typed, name: str) -> None:
    ended = run("schedule", name, "--max-lr", "0.8", "--total-steps", "200")
    assert ended.code == 0
    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[0] == ["step", "lr", "momentum"]
    assert (len(rows), rows[1][0], rows[-1][0]) == (22, "0", "199")


def test_json_holds_every_step(run: Typed) -> None:
    ended = run("schedule", "one_cycle", "--max-lr", "0.8", "--total-steps", "100", "--momentum", "0.95", "--min-momentum", "0.85", "--format", "json")
    document = json.loads(ended.out)
    assert (document["version"], document["schedule"], document["total_steps"]) == (1, "one_cycle", 100)
    assert len(document["lr"]) == len(document["momentum"]) == 100
    assert max(document["lr"]) == pytest.approx(0.8)
    assert min(document["momentum"]) == pytest.approx(0.85)


@pytest.mark.parametrize("name", ["triangular", "triangular2", "exp_range"])
def test_as_many_cycles_as_are_asked_for_start_at_a_quarter(run: Typed, name: str) -> None:
    lr = json.loads(run("schedule", name, "--cycles", "3", "--max-lr", "0.8", "--total-steps", "301", "--format", "json").out)["lr"]
    assert [step for step in range(1, 300) if lr[step - 1] < lr[step] > lr[step + 1]] == pytest.approx([50, 150, 250], abs=2)
    assert [lr[step] for step in (0, 100, 200, 300)] == pytest.approx([0.2] * 4)


def test_cycles_of_a_schedule_that_has_none_are_2(run: Typed) -> None:
    ended = run("schedule", "cosine", "--cycles", "3", "--max-lr", "0.8", "--total-steps", "10")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "--cycles must be left out where the schedule is not triangular, triangular2 or exp_range, got 3 for 'cosine'." in ended.err


def test_one_step(run: Typed) -> None:
    assert run("schedule", "cosine", "--max-lr", "0.8", "--total-steps", "1").code == 0


def test_an_unknown_name_is_2(run: Typed) -> None:
    ended = run("schedule", "cosien", "--max-lr", "0.8", "--total-steps", "10")
    assert ended.code == 2
    assert "got 'cosien'. Did you mean cosine?" in ended.err


@pytest.mark.parametrize("options", [("--max-lr", "-1"), ("--max-lr", "0.1", "--min-lr", "0.2"), ("--max-lr", "0.1", "--momentum", "2")])
def test_values_out_of_range_are_2(run: Typed, options: tuple[str, ...]) -> None:
    ended = run("schedule", "cosine", "--total-steps", "10", *options)
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_can_be_drawn(run: Typed, tmp_path: Path, name: str) -> None:
    cycles = ("--cycles", "3") if name in USUAL_CYCLES else ()
    ended = run("schedule", name, *cycles, "--max-lr", "0.8", "--total-steps", "50", "--plot", tmp_path / "one.svg")
    assert (ended.code, ended.err) == (0, f"Figure: {tmp_path / 'one.svg'}\n")
    assert (tmp_path / "one.svg").stat().st_size > 0


def test_a_figure_is_drawn(run: Typed, tmp_path: Path) -> None:
    ended = run("schedule", "one_cycle", "--max-lr", "0.8", "--total-steps", "50", "--plot", tmp_path / "one.png")
    assert (ended.code, ended.err) == (0, f"Figure: {tmp_path / 'one.png'}\n")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


def test_a_figure_of_an_unknown_kind_or_place_is_2(run: Typed, tmp_path: Path) -> None:
    words = ("schedule", "one_cycle", "--max-lr", "0.8", "--total-steps", "50", "--plot")
    ended = run(*words, tmp_path / "one.docx")
    assert (ended.code, ended.out) == (2, "")
    assert "must name a file that ends in .png, .svg, .pdf" in ended.err
    ended = run(*words, tmp_path / "nowhere" / "one.png")
    assert (ended.code, ended.out) == (2, "")
    assert "No such file or directory" in ended.err
