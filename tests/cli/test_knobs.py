import json
from pathlib import Path

import pytest
from tests.cli.harness import Typed
from tests.cli.test_probing import FLAT, FOUND, backend

from tunesmith.plots.digits import number_text

VALUE = {"label": "momentum 0.9", "value": 0.9, "lr": 0.05, "loss": 1.5, "losses": [1.4, 1.6], "difference": 0.2, "interval": [0.1, 0.3], "state": "worse"}


def test_momentum_hands_its_options_over(run: Typed) -> None:
    given: dict = {}
    words = ["--values", "0.8,0.9", "--lr", "0.1", "--lr-momentum", "0.8", "--repeats", "2", "--steps", "50", "--schedule", "cosine", "--batch-size", "32"]
    ended = run("momentum", "train.py:task", "--out", "o", "--seed", "2", *words, "--fix", "weight_decay=1e-4", backend=backend(FOUND, given))
    assert ended.code == 0
    assert given == {
        "task": "train.py:task", "out": Path("o"), "seed": 2, "device": "auto", "values": (0.8, 0.9), "lr": 0.1, "lr_momentum": 0.8, "repeats": 2, "steps": 50,
        "schedule": "cosine", "fixed": {"weight_decay": 1e-4, "batch_size": 32.0},
    }  # fmt: skip


def test_weight_decay_hands_its_options_over_and_what_is_not_typed_is_none(run: Typed) -> None:
    given: dict = {}
    ended = run("weight-decay", "train.py:task", "--out", "o", "--fix", "momentum=0.9", backend=backend(FOUND, given))
    assert ended.code == 0
    assert given == {
        "task": "train.py:task", "out": Path("o"), "seed": 0, "device": "auto", "values": None, "lr": None, "repeats": 3, "steps": None, "schedule": None,
        "fixed": {"momentum": 0.9},
    }  # fmt: skip


def test_the_values_are_a_table_and_no_cycle_is_a_dash(run: Typed) -> None:
    document = {"outcome": "found", "suggestion": 0.95, "min_momentum": None, "values": [VALUE], "cycle": [], "noise": 0.1, "findings": [], "advice": ["A."]}
    lines = run("momentum", "train.py:task", "--out", "o", backend=backend(document)).out.splitlines()
    assert lines[:2] == ["Outcome       found", "Suggestion    0.95"]
    assert [line.split()[-1] for line in lines[2:4]] == [number_text(None)] * 2
    assert lines[4:] == [
        "Noise         0.1",
        "Values        value  lr    loss  losses    difference  interval    state",
        "momentum 0.9  0.9    0.05  1.5   1.4, 1.6  0.2         0.1 to 0.3  worse",
        "Advice: A.",
    ]
    assert json.loads(run("momentum", "train.py:task", "--out", "o", "--format", "json", backend=backend(document)).out) == document


@pytest.mark.parametrize("command", ["momentum", "weight-decay"])
def test_nothing_to_suggest_is_1_and_a_figure_is_drawn(run: Typed, tmp_path: Path, command: str) -> None:
    ended = run(command, "train.py:task", "--out", "o", "--plot", tmp_path / "x.png", backend=backend(FLAT))
    assert ended.code == 1
    assert (tmp_path / "x.png").read_text() == f"o {command.replace('-', '_')}"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("momentum", "--values", "0.9;0.95"), "--values must be numbers separated by commas, got '0.9;0.95'"),
        (("momentum", "--lr-momentum", "0.9"), "--lr-momentum must come with --lr"),
        (("momentum", "--fix", "momentum=0.9"), "--fix must name one of weight_decay, epochs, got 'momentum'"),
        (("weight-decay", "--fix", "weight_decay=0"), "--fix must name one of momentum, epochs, got 'weight_decay'"),
        (("weight-decay", "--schedule", "cosin"), "--schedule must name one of"),
        (("weight-decay", "--lr", "0"), "must be finite and > 0, got 0"),
        (("weight-decay", "--repeats", "0"), "--repeats"),
        (("weight-decay", "--plot", "x.bmp"), "ends in .png, .svg, .pdf"),
    ],
)
def test_what_makes_no_sense_is_2(run: Typed, words: tuple[str, ...], sentence: str) -> None:
    ended = run(words[0], "train.py:task", "--out", "o", *words[1:], backend=backend(FOUND))
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err


TASK = """
import torch
from torch import nn
import tunesmith as ts


def task():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(200, 4, generator=generator)
    target = (inputs.sum(dim=1) > 0).long()
    return ts.Task(
        model=lambda: nn.Linear(4, 2), train=(inputs[:160], target[:160]), valid=(inputs[160:], target[160:]), loss=nn.functional.cross_entropy, steps=200,
    )
"""


@pytest.mark.parametrize(("command", "values"), [("momentum", "0.8,0.9"), ("weight-decay", "0,1e-3")])
def test_a_real_one_from_file_to_figure_and_report(run: Typed, tmp_path: Path, command: str, values: str) -> None:
    (tmp_path / "mine.py").write_text(TASK)
    words = [command, f"{tmp_path / 'mine.py'}:task", "--out", tmp_path / "o", "--lr", "0.1", "--steps", "40", "--values", values, "--format", "json"]
    ended = run(*words, "--plot", tmp_path / "x.svg")
    document = json.loads(ended.out)
    assert ended.code == (0 if document["suggestion"] is not None else 1)
    assert [len(value["losses"]) for value in document["values"]] == [3, 3]
    assert "final validation loss" in (tmp_path / "x.svg").read_text() or "<svg" in (tmp_path / "x.svg").read_text()
    page = (tmp_path / "o" / "report.html").read_text()
    assert ("Momentum" if command == "momentum" else "Weight decay") in page
    shown = run("show", tmp_path / "o")
    assert shown.code == 0
    exported = run("export", tmp_path / "o", "--to", "toml")
    assert exported.code == 2
    assert "holds a single probe" in exported.err
