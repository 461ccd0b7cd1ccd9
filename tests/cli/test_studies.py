import json
from pathlib import Path

import pytest
from tests.cli.harness import Typed, make_study

from tunesmith.cli.backend import Backend
from tunesmith.plan_file import write_plan
from tunesmith.study import Study


def test_show_prints_the_summary(run: Typed, study: Path) -> None:
    ended = run("show", study)
    assert ended.code == 0
    assert "recommended" in ended.out.lower()
    assert ended.err == ""


def test_show_several(run: Typed) -> None:
    backend = Backend(summarize=lambda folder: f"summary of {folder}\n")
    assert run("show", "a", "b", backend=backend).out == "== a ==\nsummary of a\n\n== b ==\nsummary of b\n"


def test_show_as_json_is_a_list_whatever_their_number(run: Typed, study: Path, unfinished: Path) -> None:
    document = json.loads(run("show", study, "--format", "json").out)
    assert [item["folder"] for item in document["studies"]] == [str(study)]
    assert document["studies"][0]["outcome"] == "recommended"
    assert len(json.loads(run("show", study, unfinished, "--format", "json").out)["studies"]) == 2


def test_show_an_unfinished_study(run: Typed, unfinished: Path) -> None:
    assert run("show", unfinished).code == 0


@pytest.mark.parametrize("command", [("show",), ("report",), ("export", "--to", "torch")])
def test_what_is_no_study_is_2(run: Typed, tmp_path: Path, command: str) -> None:
    ended = run(*command, tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Error: A study must be")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("command", [("show",), ("report",), ("export", "--to", "torch")])
@pytest.mark.parametrize("curve", ["curve.csv", "seed-3/curve.csv"])
def test_the_folder_of_a_training_is_named_as_such(run: Typed, tmp_path: Path, command: tuple[str, ...], curve: str) -> None:
    path = tmp_path / curve
    path.parent.mkdir(exist_ok=True)
    path.write_text("step,lr,train_loss\n1,0.1,2.0\n")
    ended = run(*command, tmp_path)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert f"is one of a `tunesmith train`, which holds weights and curves. `tunesmith diagnose {tmp_path}` reads its curves." in ended.err


def test_the_folder_of_a_single_probe_is_shown_and_has_no_plan_to_export(run: Typed, tmp_path: Path) -> None:
    folder = make_study(tmp_path / "probe", plan=None, recipe="lr_range")
    assert run("show", folder).code == 0
    ended = run("export", folder, "--to", "torch")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "holds a single probe, lr range, which makes none." in ended.err


def test_report_is_written_beside_the_study_or_where_asked(run: Typed, study: Path, tmp_path: Path) -> None:
    assert run("report", study).out == f"{study / 'report.html'}\n"
    assert (study / "report.html").is_file()
    ended = run("report", study, "--out", tmp_path / "mine.html", "--format", "json")
    assert json.loads(ended.out) == {"version": 1, "report": str(tmp_path / "mine.html")}
    assert (tmp_path / "mine.html").is_file()


def test_a_report_into_a_folder_that_is_not_there_is_2(run: Typed, study: Path, tmp_path: Path) -> None:
    ended = run("report", study, "--out", tmp_path / "nowhere" / "mine.html")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Error: --out must name a file in a folder that exists")


@pytest.mark.parametrize("to", ["torch", "toml", "json"])
def test_export_of_a_folder_and_of_its_plan_file_are_alike(run: Typed, study: Path, tmp_path: Path, to: str) -> None:
    with Study.open(study) as opened:
        write_plan(opened.plan, tmp_path / "plan.toml")
    from_folder, from_file = run("export", study, "--to", to), run("export", tmp_path / "plan.toml", "--to", to)
    assert (from_folder.code, from_file.code) == (0, 0)
    assert from_folder.out.splitlines()[0] == from_file.out.splitlines()[0]
    if to == "torch":
        compile(from_folder.out, "exported", "exec")
    if to == "json":
        assert json.loads(from_folder.out)["plan"]["max_lr"] == 0.5
    document = json.loads(run("export", study, "--to", to, "--format", "json").out)
    assert (document["version"], document["to"], document["text"].rstrip("\n")) == (1, to, from_folder.out.rstrip("\n"))


def test_export_of_an_unfinished_study_is_2(run: Typed, unfinished: Path) -> None:
    ended = run("export", unfinished, "--to", "torch")
    assert (ended.code, ended.out) == (2, "")
    assert "must have ended before its plan can be used" in ended.err


def test_export_of_a_file_that_is_not_there_is_2(run: Typed, tmp_path: Path) -> None:
    ended = run("export", tmp_path / "plan.toml", "--to", "torch")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
