"""`tunesmith diagnose`: what is typed, what is said, and what is made of bad input."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.harness import Typed, ran

from tunesmith.cli.diagnosing import parse_columns
from tunesmith.errors import InputError
from tunesmith.integrations.logs.names import ROLES
from tunesmith.reading.clues import KINDS

FIXTURES = Path(__file__).parents[1] / "integrations" / "logs" / "fixtures"
LOSSES = [2 * math.exp(-i / 8) + 0.1 for i in range(40)]


def rows(*, steps: range = range(0, 4000, 100), first: int = 0) -> list[str]:
    return [f"{step},{LOSSES[i]},{LOSSES[i] + 0.1}" for i, step in enumerate(steps, start=first)]


def write(path: Path, lines: list[str], header: str = "step,loss,val_loss") -> Path:
    path.write_text("\n".join([header, *lines]))
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "log.csv", rows())


def test_text_begins_with_the_file_and_its_verdict(run: Typed, log: Path) -> None:
    ended = run("diagnose", log)
    assert (ended.code, ended.err) == (0, "")
    first, second, *rest = ended.out.splitlines()
    assert first == str(log)
    assert second.startswith("Verdict: ")
    assert "  Evidence: " in "\n".join(rest)
    assert "Columns: step, train loss from 'loss' and valid loss from 'val_loss'." in rest


def test_json_has_verdict_and_findings_of_each_curve(run: Typed, log: Path) -> None:
    document = json.loads(run("diagnose", log, FIXTURES / "huggingface" / "trainer_state.json", "--format", "json").out)
    assert document["version"] == 1
    assert [curve["file"] for curve in document["curves"]] == [str(log), str(FIXTURES / "huggingface" / "trainer_state.json")]
    for curve in document["curves"]:
        assert curve["verdict"] == curve["findings"][0]["kind"]
        assert curve["verdict"] in KINDS
    assert document["comparison"]["outcome"] in ("decided", "cannot_tell")
    assert json.loads(run("diagnose", log, "--format", "json").out)["comparison"] is None


def test_the_figure_and_the_page_are_written(run: Typed, log: Path, tmp_path: Path) -> None:
    ended = run("diagnose", log, log, "--plot", tmp_path / "a.png", "--html", tmp_path / "a.html")
    assert ended.code == 0
    assert ended.err.splitlines() == [f"Figure: {tmp_path / 'a.png'}", f"Page: {tmp_path / 'a.html'}"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_columns_are_taken_as_typed(run: Typed, tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", rows(), header='it,"loss, mine",dev')
    ended = run("diagnose", path, "--columns", "valid_loss=dev,step=it", "--columns", "train_loss=loss, mine", "--format", "json")
    assert json.loads(ended.out)["curves"][0]["columns"] == {"step": "it", "train_loss": "loss, mine", "valid_loss": "dev"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("loss", "--columns must be ROLE=NAME"),
        ("validloss=a", "--columns must be ROLE=NAME"),
        ("x,step=a", "--columns must be ROLE=NAME"),
        ("", "--columns must be ROLE=NAME"),
        ("step=a,step=b", "got step twice"),
    ],
)
def test_columns_typed_wrongly_are_refused(run: Typed, log: Path, text: str, words: str) -> None:
    ended = run("diagnose", log, "--columns", text)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert words in ended.err
    with pytest.raises(InputError):
        parse_columns([text], roles=ROLES)


def test_a_column_that_is_not_there_is_bad_input(run: Typed, log: Path) -> None:
    ended = run("diagnose", log, "--columns", "valid_loss=dev")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "It has step, loss, val_loss." in ended.err


def test_explain_says_what_the_clue_means(run: Typed, log: Path) -> None:
    assert "What it means: " in run("diagnose", log, "--explain").out
    assert "What it means: " not in run("diagnose", log).out


def test_explain_alone_says_all_clues_and_knobs(run: Typed) -> None:
    ended = run("diagnose", "--explain")
    assert ended.code == 0
    assert all(rule in " ".join(ended.out.split()) for rule in KINDS.values())
    assert [kind["kind"] for kind in json.loads(run("diagnose", "--explain", "--format", "json").out)["kinds"]] == list(KINDS)


@pytest.mark.parametrize("words", [(), ("--explain", "--plot", "a.png"), ("--explain", "--html", "a.html")])
def test_without_a_curve_there_is_nothing_to_read(run: Typed, words: tuple[str, ...]) -> None:
    ended = run("diagnose", *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "must be given a training curve" in ended.err


@pytest.mark.parametrize("words", [("--plot", "a.gif"), ("--plot", "nowhere/a.png"), ("--html", "a.csv"), ("--html", "nowhere/a.html")])
def test_a_file_that_cannot_be_written_is_refused_first(run: Typed, log: Path, words: tuple[str, ...]) -> None:
    ended = run("diagnose", log, *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)


def test_one_bad_file_among_good_ones_is_named_and_left_out(run: Typed, log: Path, tmp_path: Path) -> None:
    bad = tmp_path / "notes.txt"
    bad.write_text("All went well.\nReally.")
    ended = run("diagnose", bad, log, "--format", "json")
    document = json.loads(ended.out)
    assert (ended.code, ended.err.count("\n")) == (0, 1)
    assert ended.err.startswith("Left out: ")
    assert [curve["file"] for curve in document["curves"]] == [str(log)]
    assert [file["file"] for file in document["not_read"]] == [str(bad)]
    assert document["comparison"] is None


def test_only_bad_files_are_bad_input(run: Typed, tmp_path: Path) -> None:
    ended = run("diagnose", tmp_path / "none.csv", tmp_path / "other.csv")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)


def broken_event_file(folder: Path) -> Path:
    (source,) = (FIXTURES / "tensorboard" / "plain").iterdir()
    (folder / "events.out.tfevents.1").write_bytes(source.read_bytes()[:-7])
    return folder / "events.out.tfevents.1"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: write(folder / "a.csv", [*rows()[:20], "2000,nan,inf", *rows(steps=range(2100, 4000, 100), first=21)]), "NaN or infinite"),
        (lambda folder: write(folder / "a.csv", [row for row in rows() for _ in (0, 1)] + ["3900,9.0,9.0"]), "repeat a step"),
        (lambda folder: write(folder / "a.csv", [rows()[i] for i in (*range(0, 40, 2), *range(1, 40, 2))]), "The steps"),
        (lambda folder: write(folder / "a.csv", [*rows()[:30], *rows()[20:]]), "the run was taken up again"),
        (lambda folder: write(folder / "a.csv", [*rows(), *rows()]), "read as two runs"),
        (lambda folder: write(folder / "a.csv", [*rows(), "4000,broken,1"]), "no number"),
        (lambda folder: write(folder / "a.csv", rows()[:3]), "only 3 points"),
        (broken_event_file, ""),
    ],
    ids=["NaN and inf", "repeated steps", "unsorted steps", "restart in mid-run", "two runs", "a word", "three points", "truncated event file"],
)
def test_a_damaged_log_is_read_as_far_as_it_goes_and_the_damage_is_said(run: Typed, tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    path = make(tmp_path)
    ended = run("diagnose", path, "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    curves = json.loads(ended.out)["curves"]
    assert all(curve["findings"] for curve in curves)
    assert said in " ".join(note for curve in curves for note in curve["notes"])
    assert "Note: " in run("diagnose", path).out
    assert run("diagnose", path, "--plot", tmp_path / "a.png").code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"All went well.\nReally.\n", "columns of numbers"),
        (b"name,state\nfirst,good\n", "columns of numbers"),
        (b"width,height\n1,2\n", "known to be a loss"),
        (b"\x80\x04K\x01.", "A pickle is never opened"),
    ],
    ids=["empty", "prose", "no numbers", "no loss", "a pickle"],
)
def test_what_is_no_log_is_bad_input_in_one_sentence(run: Typed, tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    ended = run("diagnose", path)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert words in ended.err


def test_runs_of_a_file_have_names(run: Typed, tmp_path: Path) -> None:
    path = write(tmp_path / "two.csv", [*rows(), *rows()])
    document = json.loads(run("diagnose", path, "--format", "json").out)
    assert [curve["run"] for curve in document["curves"]] == ["run 1 of 2", "run 2 of 2"]
    assert document["comparison"] is not None


def test_quiet_says_nothing_on_stderr(run: Typed, log: Path, tmp_path: Path) -> None:
    assert run("diagnose", log, tmp_path / "none.csv", "-q").err == ""


def test_a_shell_can_type_it(log: Path) -> None:
    ended = ran("-m", "tunesmith.cli", "diagnose", log)
    assert (ended.code, ended.err) == (0, "")
