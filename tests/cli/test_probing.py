import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.harness import Typed

from tunesmith.cli.backend import Backend

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
FLAT = {"version": 1, "outcome": "flat", "suggestion": None, "zone": None, "edge": None, "findings": [], "advice": "Raise --end-lr."}


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

    return Backend(
        load_task=lambda reference: reference, lr_range=probe, min_lr=probe, read_curve_file=lambda path: Answer(document | {"advice": [f"Read {path}."]})
    )


def test_lr_range_hands_its_options_over(run: Typed) -> None:
    given: dict = {}
    words = ["train.py:task", "--out", "o", "--seed", "2", "--device", "cpu", "--start-lr", "0.01", "--end-lr", "3", "--steps", "100", "--batch-size", "32"]
    ended = run("lr-range", *words, backend=backend(FOUND, given))
    assert ended.code == 0
    assert given == {"task": "train.py:task", "out": Path("o"), "seed": 2, "device": "cpu", "start_lr": 0.01, "end_lr": 3.0, "steps": 100, "batch_size": 32}


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
