"""`tunesmith batch-size`: options, document, text, and what it says to bad input, as `tune` and `train` do."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from tests.cli.harness import Ended, Typed, python
from tests.cli.test_probing import FOUND, backend

from tunesmith.plots.digits import number_text
from tunesmith.recipe.time_model import read_time_model

TASK = """
import torch
from torch import nn
import tunesmith as ts

generator = torch.Generator().manual_seed(0)
INPUTS = torch.randn(700, 4, generator=generator)
TARGETS = (INPUTS.sum(dim=1) > 0).long()


def plain():
    return nn.Linear(4, 2)


def normed():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))


def made(model=plain, train=(INPUTS[:640], TARGETS[:640]), **fields):
    valid = (INPUTS[640:], TARGETS[640:])
    how = {{"loss": nn.functional.cross_entropy}} if "training_step" not in fields else {{}}
    return ts.Task(model=model, train=train, valid=valid, epochs={epochs}, examples_per_epoch=640, **how, **fields)


def task():
    return made()


def norm():
    return made(model=normed)


def out_of(size):
    def step(model, batch):
        if len(batch[0]) > size:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return nn.functional.cross_entropy(model(batch[0]), batch[1])
    return step


def never():
    return made(training_step=out_of(0))


def fits_40():
    return made(training_step=out_of(40))


def loader_64():
    def batches(_size, _generator):
        return ((INPUTS[i : i + 64], TARGETS[i : i + 64]) for i in range(0, 640, 64))
    return made(train=batches)


class Grows(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = plain()

    def forward(self, inputs):
        if self.training and inputs.abs().max() > 2.0 and len(inputs) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.inner(inputs)


def grows():
    return made(model=Grows)
"""
KEYS = ["version", "outcome", "suggestion", "lr", "sizes", "knee", "noise_scale", "lr_exponent", "findings", "advice", "micro_batch_size", "fits"]
SIZE_KEYS = ["batch_size", "seconds_per_step", "examples_per_second", "predicted_time", "lr", "total_steps", "losses", "ends", "state"]
QUICK = ("--lr", "0.1", "--steps", "40", "--format", "json")
WITHOUT_TIMES = ("--fix", "lr=0.1", "--fix", "momentum=0.9", "--fix", "weight_decay=0")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TASK.format(epochs=40))
    return path


def machine(path: Path, *sizes: int) -> Path:
    path.write_text(json.dumps({"version": 1, "seconds_per_step": {str(size): 1e-3 * (1 + size / 256) for size in sizes}}))
    return path


def test_it_hands_its_options_over(run: Typed) -> None:
    given: dict = {}
    words = ["--sizes", "32, 64", "--repeats", "2", "--lr", "0.1", "--steps", "50", "--schedule", "cosine", "--batch-size", "32", "--time-model", "t.json"]
    ended = run("batch-size", "train.py:task", "--out", "o", "--seed", "2", *words, "--fix", "momentum=0.8", backend=backend(FOUND, given))
    assert ended.code == 0
    assert given == {
        "task": "train.py:task", "out": Path("o"), "seed": 2, "device": "auto", "sizes": (32, 64), "repeats": 2, "lr": 0.1, "steps": 50, "schedule": "cosine",
        "fixed": {"momentum": 0.8, "batch_size": 32.0}, "time_model": Path("t.json"),
    }  # fmt: skip


def test_what_is_not_typed_is_none(run: Typed) -> None:
    given: dict = {}
    assert run("batch-size", "train.py:task", "--out", "o", backend=backend(FOUND, given)).code == 0
    assert {name for name, value in given.items() if value is None} == {"sizes", "lr", "steps", "schedule", "time_model"}
    assert (given["repeats"], given["fixed"]) == (1, {})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--sizes", "32;64"), "--sizes must be whole numbers ≥ 1, separated by commas, got '32;64'"),
        (("--sizes", "0,64"), "got '0' in '0,64'"),
        (("--sizes", "32,"), "got '' in '32,'"),
        (("--sizes", "1e3"), "got '1e3'"),
        (("--fix", "batch_size=32"), "--fix must name one of momentum, weight_decay, epochs, got 'batch_size'"),
        (("--schedule", "cosin"), "--schedule must name one of"),
        (("--lr", "nan"), "must be finite and > 0, got nan"),
        (("--repeats", "0"), "--repeats"),
        (("--batch-size", "0"), "--batch-size"),
        (("--plot", "x.bmp"), "ends in .png, .svg, .pdf"),
    ],
)
def test_what_makes_no_sense_is_2(run: Typed, words: tuple[str, ...], sentence: str) -> None:
    ended = run("batch-size", "train.py:task", "--out", "o", *words, backend=backend(FOUND))
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err


def test_as_text_every_cell_says_something(run: Typed) -> None:
    ran = {"batch_size": 32, "seconds_per_step": 0.002, "lr": 0.1, "total_steps": 40, "losses": [1.5, 1.25], "ends": {"loss": 1.4, "accuracy": 0.5}}
    rows = [ran | {"state": "best"}, ran | {"batch_size": 64, "lr": None, "total_steps": 0, "losses": [], "ends": {}, "state": "not run"}]
    document = {
        "version": 1, "outcome": "found", "suggestion": 32, "sizes": rows, "noise_scale": {"value": None, "interval": [17.0, None]},
        "lr_exponent": {"value": 0.5, "interval": [0.25, 0.75]}, "findings": [], "advice": ["Use 32."], "micro_batch_size": None,
        "fits": {"at_once": 36, "is_limited_by_memory": True, "limit_bytes": 2_383_000_000},
    }  # fmt: skip
    none = number_text(None)
    assert run("batch-size", "train.py:task", "--out", "o", backend=backend(document)).out.splitlines() == [
        "Outcome           found",
        "Suggestion        32",
        "Noise scale       17 or more",
        "Lr exponent       0.5 (0.25 to 0.75)",
        "Micro batch size  the whole batch",
        "Fits              36 at once: more would not leave a margin in 2.38 GB of memory",
        "Batch size  seconds per step  lr   total steps  losses     ends                    state",
        "32          0.002             0.1  40           1.5, 1.25  loss 1.4, accuracy 0.5  best",
        f"64          0.002             {none}    0            {none}          {none}                       not run",
        "Advice: Use 32.",
    ]  # fmt: skip


class TestDocument:
    @pytest.mark.parametrize("is_given", [True, False])
    def test_the_same_command_again_gives_the_same_bytes(self, *, run: Typed, mine: Path, tmp_path: Path, is_given: bool) -> None:
        given = ["--time-model", machine(tmp_path / "machine.json", 8, 16, 32, 64)] if is_given else []
        words = ["batch-size", f"{mine}:task", "--out", tmp_path / "o", *QUICK, *given]
        first = run(*words, "--plot", tmp_path / "x.svg")
        document = json.loads(first.out)
        assert (first.code, list(document)) == (0, KEYS)
        assert all(list(size) == SIZE_KEYS for size in document["sizes"])
        assert document["fits"] == {"at_once": 64, "is_limited_by_memory": False, "limit_bytes": document["fits"]["limit_bytes"]}
        assert document["suggestion"] in [size["batch_size"] for size in document["sizes"]]
        assert "<svg" in (tmp_path / "x.svg").read_text()
        assert run(*words).out == first.out
        assert run("show", tmp_path / "o").code == 0
        exported = run("export", tmp_path / "o", "--to", "toml")
        assert (exported.code, "holds a single probe, batch size" in exported.err) == (2, True)

    def test_other_sizes_go_into_the_same_folder(self, run: Typed, mine: Path, tmp_path: Path) -> None:
        words = ["batch-size", f"{mine}:task", "--out", tmp_path / "o", *QUICK]
        assert run(*words).code == 0
        before = read_time_model(tmp_path / "o" / "time_model.json").seconds_per_step
        document = json.loads(run(*words, "--sizes", "24,48,120", "--repeats", "2").out)
        assert [(size["batch_size"], len(size["losses"])) for size in document["sizes"]] == [(24, 2), (48, 2), (120, 2)]
        after = read_time_model(tmp_path / "o" / "time_model.json").seconds_per_step
        assert before.items() <= after.items()
        assert {24, 48, 120} <= set(after)

    def test_what_does_not_fit_is_cut_and_said(self, run: Typed, mine: Path, tmp_path: Path) -> None:
        document = json.loads(run("batch-size", f"{mine}:fits_40", "--out", tmp_path / "o", *QUICK, "--batch-size", "128", "--sizes", "128").out)
        assert (document["suggestion"], document["micro_batch_size"]) == (128, 32)
        assert document["fits"]["is_limited_by_memory"]
        assert document["fits"]["at_once"] <= 40


BAD = [
    ("task", "700", "640 training examples, got 700"),
    ("norm", "1", "must have "),
    ("never", "32", "A batch of one must fit into the device's memory, and it ran out"),
    ("loader_64", "32", "yields 64 whatever it is asked for"),
    ("loader_64", None, "with --fix batch_size=64 the other knobs can be tuned, with Task.micro_batch_size=64 also the batch size"),
]


def one_sentence(ended: Ended, words: str) -> None:
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    assert ended.err.startswith("Error: ")
    assert ended.err.count("\n") == 1
    assert words in ended.err


class TestBadInput:
    @pytest.mark.parametrize(("task", "size", "words"), BAD)
    @pytest.mark.parametrize("command", ["tune", "batch-size"])
    def test_a_search_refuses_it_in_one_sentence(
        self, *, run: Typed, mine: Path, tmp_path: Path, command: str, task: str, size: str | None, words: str
    ) -> None:
        fixed = [] if size is None else ["--fix", f"batch_size={size}"] if command == "tune" else ["--batch-size", size]
        one_sentence(run(command, f"{mine}:{task}", "--out", tmp_path / "o", "-q", *fixed), words)

    @pytest.mark.parametrize(("task", "sizes", "words"), [("task", "64,700", "got 700"), ("norm", "1,16", "must have at least 2 examples, got 1")])
    def test_so_are_sizes(self, *, run: Typed, mine: Path, tmp_path: Path, task: str, sizes: str, words: str) -> None:
        one_sentence(run("batch-size", f"{mine}:{task}", "--out", tmp_path / "o", "-q", "--sizes", sizes, "--lr", "0.1"), words)

    def test_training_and_rescaling_refuse_it_too(self, run: Typed, mine: Path, tmp_path: Path) -> None:
        """A plan for 64, carried to what cannot be."""
        assert run("tune", f"{mine}:task", "--out", tmp_path / "o", "-q", "--fix", "batch_size=64", *WITHOUT_TIMES).code == 0
        one_sentence(run("rescale", tmp_path / "o", "--batch-size", "700", "-q"), "640 training examples, got 700")
        small, large = tmp_path / "small.toml", tmp_path / "large.toml"
        for path, size in ((small, 1), (large, 96)):
            assert run("rescale", tmp_path / "o", "--batch-size", size, "--out", path, "-q").code == 0
        for task, plan, words in (
            ("norm", small, "With BatchNorm, a batch must have two examples or more, got one"),
            ("never", small, "must fit into the device's memory, and it ran out"),
            ("fits_40", large, "A batch of 96 must fit into the device's memory, and it ran out. Set Task.micro_batch_size"),
            ("loader_64", large, "yields 64 whatever it is asked for"),
        ):
            one_sentence(run("train", f"{mine}:{task}", "--plan", plan, "--out", tmp_path / "t", "-q"), words)

    @pytest.mark.parametrize("words", [("tune", "--fix", "batch_size=64"), ("batch-size", "--batch-size", "64", "--lr", "0.1")])
    def test_a_loader_of_one_size_can_be_tuned_with(self, run: Typed, mine: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
        assert run(words[0], f"{mine}:loader_64", "--out", tmp_path / "o", "-q", *words[1:]).code == 0

    @pytest.mark.parametrize("command", [pytest.param("tune", marks=pytest.mark.slow), "batch-size"])
    def test_memory_that_depends_on_the_data_keeps_what_was_finished_and_goes_on(self, run: Typed, mine: Path, tmp_path: Path, command: str) -> None:
        words = [command, f"{mine}:grows", "--out", tmp_path / "o", "-q", *(("--fix", "batch_size=64") if command == "tune" else ("--batch-size", "64"))]
        for _ in range(5):
            ended = run(*words)
            if ended.code != 2:
                break
            one_sentence(ended, "What was finished is kept: the same command goes on from there, with at most ")
        assert ended.code in (0, 1)


@pytest.mark.slow
def test_interrupted_it_says_how_to_go_on(mine: Path, tmp_path: Path) -> None:
    mine.write_text(TASK.format(epochs=4000))
    words = ["batch-size", f"{mine}:task", "--out", str(tmp_path / "o"), "--format", "json"]
    process = python("-m", "tunesmith.cli", *words)
    assert process.stderr is not None
    while "[" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "What was finished is kept; this command goes on from there" in err
    assert err.splitlines()[-1].endswith(" ".join(words))
    shutil.rmtree(tmp_path / "o")
