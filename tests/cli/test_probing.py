import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.harness import Typed

from tunesmith.cli.backend import Backend
from tunesmith.errors import InputError

EDGE = {
    "kind": "edge",
    "since_step": None,
    "value": 1.4,
    "interval": [1.2, 1.6],
    "confidence": 0.9,
    "evidence": "One sweep.",
    "not_established": "Other seeds.",
    "action": "",
}
FOUND = {"version": 1, "outcome": "found", "suggestion": 0.8, "zone": [0.5, 1.0], "edge": [1.2, 1.6], "findings": [EDGE], "advice": ["Take 0.8."]}
FLAT = {"version": 1, "outcome": "flat", "suggestion": None, "zone": None, "edge": None, "findings": [], "advice": ["Raise --end-lr."]}


@dataclass(frozen=True)
class Answer:
    """What a probe found."""

    document: dict[str, object]

    def to_dict(self) -> dict[str, object]:
        return self.document


def backend(document: dict[str, object], given: dict[str, object] | None = None) -> Backend:
    def probe(task: object, **options: object) -> Answer:
        if given is not None:
            given.update(task=task, **options)
            del given["progress"]
        return Answer(document)

    def under(task: object, conditions: object, **options: object) -> Answer:
        return probe(task, conditions=conditions, **options)

    return Backend(
        load_task=lambda reference: reference,
        load_tasks=lambda reference: [reference],
        lr_range=probe,
        lr_range_under=under,
        min_lr=probe,
        capacity=probe,
        momentum=probe,
        weight_decay=probe,
        batch_size=probe,
        read_curve_file=lambda path: Answer(document | {"advice": [f"Read {path}."]}),
        plot_probe=lambda folder, name, path: path.write_text(f"{folder} {name}"),
    )


def test_lr_range_hands_its_options_over(run: Typed) -> None:
    given: dict = {}
    words = ["train.py:task", "--out", "o", "--seed", "2", "--device", "cpu", "--start-lr", "0.01", "--end-lr", "3", "--steps", "100", "--batch-size", "32"]
    ended = run("lr-range", *words, "--compare-steps", "400", backend=backend(FOUND, given))
    assert ended.code == 0
    assert given == {
        "task": "train.py:task", "out": Path("o"), "seed": 2, "device": "cpu", "start_lr": 0.01, "end_lr": 3.0, "steps": 100, "compare_steps": 400,
        "batch_size": 32,
    }  # fmt: skip


def test_what_is_not_typed_is_none(run: Typed) -> None:
    given: dict = {}
    run("lr-range", "train.py:task", "--out", "o", backend=backend(FOUND, given))
    assert [given[name] for name in ("start_lr", "end_lr", "steps", "batch_size")] == [None] * 4


def test_lr_range_as_text(run: Typed) -> None:
    ended = run("lr-range", "train.py:task", "--out", "o", backend=backend(FOUND))
    assert ended.out.splitlines() == [
        "Outcome     found",
        "Suggestion  0.8",
        "Zone        0.5 to 1",
        "Edge        1.2 to 1.6",
        "- edge 1.4 (1.2 to 1.6), confidence 0.9: One sweep. Not established: Other seeds.",
        "Advice: Take 0.8.",
    ]


def test_lr_range_as_json_is_the_contracts_document(run: Typed) -> None:
    assert json.loads(run("lr-range", "train.py:task", "--out", "o", "--format", "json", backend=backend(FOUND)).out) == FOUND


def test_a_suggestion_counts_also_where_the_sweep_never_diverged(run: Typed) -> None:
    assert run("lr-range", "train.py:task", "--out", "o", backend=backend(FOUND | {"outcome": "never_diverged", "edge": None})).code == 0


def test_a_range_test_without_a_suggestion_is_1(run: Typed) -> None:
    ended = run("lr-range", "train.py:task", "--out", "o", backend=backend(FLAT))
    assert ended.code == 1
    assert "Outcome     flat" in ended.out
    assert "Advice: Raise --end-lr." in ended.out


def test_a_recorded_sweep_is_read(run: Typed) -> None:
    ended = run("lr-range", "--curve", "sweep.csv", "--format", "json", backend=backend(FOUND))
    assert (ended.code, json.loads(ended.out)["advice"]) == (0, ["Read sweep.csv."])


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((), "either FILE:FUNCTION or --curve FILE.csv, got neither"),
        (("train.py:task", "--curve", "x.csv"), "got both"),
        (("train.py:task",), "must be given --out DIR with FILE:FUNCTION"),
        (("--curve", "x.csv", "--out", "o"), "--out must come with FILE:FUNCTION"),
        (("train.py:task", "--out", "o", "--start-lr", "1", "--end-lr", "0.1"), "--start-lr must be < --end-lr, got 1 and 0.1"),
        (("--curve", "x.csv", "--under", "conditions"), "--under must come with FILE:FUNCTION"),
        (("--curve", "x.csv", "--plot", "x.png"), "--plot must come with FILE:FUNCTION"),
        (("train.py:task", "--out", "o", "--repeats", "2"), "--repeats must come with --under"),
        (("train.py:task", "--out", "o", "--under", "lr=0.1"), "--under must name one of batch_size, momentum, weight_decay, got 'lr'"),
        (("train.py:task", "--out", "o", "--under", "momentum=1.2"), "Settings.momentum must be in [0, 1), got 1.2"),
        (("train.py:task", "--out", "o", "--under", "momentum=0.8:0.9"), "HIGH ≥ LOW"),
        (("train.py:task", "--out", "o", "--under", "weight_decay=1:2"), "for momentum alone"),
        (("train.py:task", "--out", "o", "--under", "batch_size="), "--under must be KNOB=VALUE"),
        (("train.py:task", "--out", "o", "--plot", "x.bmp"), "ends in .png, .svg, .pdf, got 'x.bmp'"),
        (("train.py:task", "--out", "o", "--end-lr", "inf"), "must be finite and > 0, got inf"),
    ],
)
def test_what_does_not_go_together_is_2(run: Typed, args: tuple[str, ...], sentence: str) -> None:
    ended = run("lr-range", *args, backend=backend(FOUND))
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err


def test_a_curve_file_that_is_not_there_is_2(run: Typed, tmp_path: Path) -> None:
    ended = run("lr-range", "--curve", tmp_path / "sweep.csv")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1


def test_several_ways_are_listed(run: Typed) -> None:
    document: dict[str, object] = {
        "version": 1,
        "outcome": "found",
        "suggestion": 0.05,
        "ways": {"rule": [0.04, 0.08], "runs": [0.05, 0.06]},
        "findings": [],
        "advice": [],
    }
    assert run("min-lr", "train.py:task", "--out", "o", backend=backend(document)).out.splitlines()[-1] == "Ways        rule 0.04 to 0.08, runs 0.05 to 0.06"


def test_min_lr(run: Typed) -> None:
    given: dict = {}
    ended = run("min-lr", "train.py:task", "--out", "o", "--max-lr", "0.8", "--steps", "50", backend=backend(FOUND, given))
    assert ended.code == 0
    assert given == {"task": "train.py:task", "out": Path("o"), "seed": 0, "device": "auto", "max_lr": 0.8, "steps": 50, "batch_size": None}


def test_conditions_are_handed_over(run: Typed) -> None:
    given: dict = {}
    words = ["--under", "weight_decay=1e-4,1e-3", "--under", "momentum=0.95:0.85", "--under", "no dropout", "--repeats", "3", "--steps", "50"]
    assert run("lr-range", "train.py:task", "--out", "o", *words, backend=backend(FOUND, given)).code == 0
    assert given["conditions"] == {
        "weight_decay 1e-4": {"weight_decay": 1e-4},
        "weight_decay 1e-3": {"weight_decay": 1e-3},
        "momentum 0.95:0.85": {"momentum": 0.95, "min_momentum": 0.85},
    }
    assert (given["names"], given["repeats"], given["steps"], given["end_lr"]) == (("no dropout",), 3, 50, None)


def test_all_of_the_tasks_conditions_have_a_word(run: Typed) -> None:
    given: dict = {}
    run("lr-range", "train.py:task", "--out", "o", "--under", "conditions", backend=backend(FOUND, given))
    assert (given["conditions"], given["names"], given["repeats"]) == ({}, None, 1)


CONDITION = {"label": "decay 1e-3", "tolerated_lr": 0.8, "interval": [0.7, None], "is_as_good": True, "outcome": "found"}


def test_conditions_are_a_table(run: Typed) -> None:
    document = {"version": 1, "outcome": "found", "suggestion": 0.4, "close": ["decay 1e-3"], "conditions": [CONDITION], "findings": [], "advice": []}
    ended = run("lr-range", "train.py:task", "--out", "o", "--under", "weight_decay=1e-3", backend=backend(document))
    assert ended.out.splitlines()[-2:] == [
        "Conditions  tolerated lr  interval     is as good  outcome",
        "decay 1e-3  0.8           0.7 or more  True        found",
    ]


def test_capacity(run: Typed) -> None:
    given: dict = {}
    ended = run("capacity", "train.py:widths", "--out", "o", "--steps", "50", "--repeats", "3", backend=backend(FOUND, given))
    assert ended.code == 0
    assert given == {"task": ["train.py:widths"], "out": Path("o"), "seed": 0, "device": "auto", "steps": 50, "batch_size": None, "repeats": 3}
    assert run("capacity", "train.py:widths", "--out", "o", backend=backend(FLAT)).code == 1


@pytest.mark.parametrize(
    ("words", "probe"),
    [
        (("lr-range",), "lr_range"),
        (("lr-range", "--under", "weight_decay=0,1e-3"), "lr_range_under"),
        (("min-lr",), "min_lr"),
        (("capacity",), "capacity"),
    ],
)
def test_a_figure_is_drawn_where_it_is_asked_for(run: Typed, tmp_path: Path, words: tuple[str, ...], probe: str) -> None:
    ended = run(*words, "train.py:task", "--out", "o", "--plot", tmp_path / "x.png", backend=backend(FOUND))
    assert (ended.code, (tmp_path / "x.png").read_text()) == (0, f"o {probe}")
    assert f"Figure: {tmp_path / 'x.png'}" in ended.err


TASK = """
import dataclasses
import torch
from torch import nn
import tunesmith as ts

def make(width=4):
    return nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, 2))

def task():
    inputs = torch.randn(160, 3, generator=torch.Generator().manual_seed(0))
    data = (inputs, (inputs[:, 0] * inputs[:, 1] > 0).long())
    return ts.Task(model=make, train=data, valid=data, loss=nn.functional.cross_entropy, epochs=20, conditions={"wide": lambda: make(16)})

def widths():
    return [dataclasses.replace(task(), model=lambda width=width: make(width)) for width in (2, 16)]
"""


def test_the_real_thing_trains_reports_draws_and_resumes(run: Typed, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TASK)
    words = [
        f"{tmp_path / 'train.py'}:task",
        "--out",
        tmp_path / "o",
        "--under",
        "weight_decay=1e-3",
        "--under",
        "conditions",
        "--steps",
        "60",
        "--format",
        "json",
    ]
    first = run("lr-range", *words, "--plot", tmp_path / "under.png")
    document = json.loads(first.out)
    assert {condition["label"] for condition in document["conditions"]} == {"as given", "weight_decay 1e-3", "wide"}
    assert first.code == (0 if document["suggestion"] is not None else 1)
    assert (tmp_path / "under.png").stat().st_size > 5000
    assert "Range tests under conditions" in (tmp_path / "o" / "report.html").read_text()
    assert json.loads(run("lr-range", *words).out) == document


def test_one_range_test_compares_lengths_draws_and_resumes(run: Typed, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TASK)
    words = ["--out", tmp_path / "o", "--end-lr", "3", "--steps", "60", "--compare-steps", "30", "--format", "json"]
    ended = run("lr-range", f"{tmp_path / 'train.py'}:task", *words, "--plot", tmp_path / "sweep.png")
    document = json.loads(ended.out)
    assert document["findings"][-1]["kind"] == "drift"
    assert (tmp_path / "sweep.png").stat().st_size > 5000
    assert json.loads(run("lr-range", f"{tmp_path / 'train.py'}:task", *words).out) == document


def test_a_figure_of_what_a_study_does_not_hold_is_refused(run: Typed, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TASK)
    run("lr-range", f"{tmp_path / 'train.py'}:task", "--out", tmp_path / "o", "--end-lr", "3", "--steps", "20")
    with pytest.raises(InputError, match="must have an experiment 'capacity' to draw"):
        Backend().plot_probe(tmp_path / "o", "capacity", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_series_from_a_file_trains_reports_and_draws(run: Typed, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TASK)
    words = ["--out", tmp_path / "o", "--steps", "60", "--format", "json", "--plot", tmp_path / "capacity.png"]
    document = json.loads(run("capacity", f"{tmp_path / 'train.py'}:widths", *words).out)
    assert [network["n_parameters"] for network in document["networks"]] == [14, 98]
    assert (tmp_path / "capacity.png").stat().st_size > 5000
    assert "Capacity" in (tmp_path / "o" / "report.html").read_text()


@pytest.mark.parametrize("words", [("--steps", "100"), ("--compare-steps", "40"), ("--out", "o"), ("--end-lr", "1")])
def test_reading_a_curve_takes_no_option_of_a_study(run: Typed, words: tuple[str, str]) -> None:
    ended = run("lr-range", "--curve", "sweep.csv", *words, backend=backend(FOUND))
    assert ended.code == 2
    assert f"{words[0]} must come with FILE:FUNCTION" in ended.err


def test_a_figure_that_cannot_be_written_is_refused_before_anything_is_trained(run: Typed) -> None:
    given: dict = {}
    ended = run("lr-range", "train.py:task", "--out", "o", "--plot", "no-such-folder/a.png", backend=backend(FOUND, given))
    assert (ended.code, given) == (2, {})
    assert "a folder that is there" in ended.err
