import json
from pathlib import Path

import pytest
from tests.cli.harness import Typed, make_plan

from tunesmith.cli.backend import Backend
from tunesmith.plan import Plan, StudyOutcome, Trained
from tunesmith.recipe.progress import Progress
from tunesmith.study import Study

KEYS = ["version", "outcome", "plan", "cost", "confirmed", "current", "findings", "advice"]


class Recorded:
    """A backend's functions, with what they were given."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.given: dict[str, object] = {}

    def tune(self, task: object, *, progress: Progress, **options: object) -> Plan:
        print("printed by the task")  # noqa: T201 (that is the point)
        self.given = {"task": task, **options}
        progress.decided("Momentum .95.")
        return self.plan

    def train(self, task: object, plan: Plan, **options: object) -> Trained:
        self.given = {"task": task, "plan": plan, **options}
        return Trained(valid=(0.2, 0.3), test=(0.25, 0.35), seeds=(1, 2))

    @property
    def backend(self) -> Backend:
        return Backend(
            load_task=lambda reference: f"task of {reference}",
            demo_task=lambda: "demo task",
            tune=self.tune,
            train=self.train,
            summarize=lambda folder: f"summary of {folder}",
            find_plan=lambda _place: self.plan,
        )


@pytest.fixture
def recorded() -> Recorded:
    return Recorded(make_plan())


def test_tune_hands_its_options_to_the_recipe(run: Typed, recorded: Recorded) -> None:
    ended = run(
        *("tune", "train.py:task", "--out", "runs/mine", "--budget", "0.5", "--seed", "3", "--fix", "batch_size=64", "--fix", "epochs=2"),
        *("--bound", "weight_decay=0:1e-3", "--schedule", "cosine", "--confirm-seeds", "2", "--device", "cpu", "--workers", "2", "--time-model", "t.json"),
        backend=recorded.backend,
    )
    assert ended.code == 0, ended.err
    assert recorded.given == {
        "task": "task of train.py:task", "out": Path("runs/mine"), "budget": 0.5, "seed": 3, "recipe": "ladder", "fixed": {"batch_size": 64, "epochs": 2.0},
        "bounds": {"weight_decay": (0.0, 1e-3)}, "schedule": "cosine", "cycles": None, "confirm_seeds": 2, "device": "cpu", "workers": 2,
        "time_model": Path("t.json"), "reference": "train.py:task",
    }  # fmt: skip
    assert repr(recorded.given["fixed"]) == "{'batch_size': 64, 'epochs': 2.0}"


def test_tune_prints_the_summary(run: Typed, recorded: Recorded) -> None:
    ended = run("tune", "train.py:task", "--out", "runs/mine", backend=recorded.backend)
    assert ended.out == "summary of runs/mine\n"
    assert ended.err.splitlines() == ["printed by the task", "  → Momentum .95."]


def test_json_on_stdout_is_pure_and_has_the_contracts_keys(run: Typed, recorded: Recorded) -> None:
    ended = run("tune", "train.py:task", "--out", "runs/mine", "--format", "json", backend=recorded.backend)
    document = json.loads(ended.out)
    assert list(document) == KEYS
    assert document["plan"]["max_lr"] == 0.5
    assert document == {key: value for key, value in recorded.plan.to_dict().items() if key in KEYS}
    assert "printed by the task" in ended.err


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (StudyOutcome.RECOMMENDED, 0), (StudyOutcome.KEEP_CURRENT, 0), (StudyOutcome.NO_DIFFERENCE, 0),
        (StudyOutcome.ABSTAINED, 1), (StudyOutcome.BUDGET_SPENT, 1),
    ],
)  # fmt: skip
def test_the_exit_code_says_whether_there_is_a_plan(run: Typed, outcome: StudyOutcome, code: int) -> None:
    recorded = Recorded(make_plan(outcome))
    ended = run("tune", "train.py:task", "--out", "runs/mine", "--format", "json", backend=recorded.backend)
    assert ended.code == code
    assert json.loads(ended.out)["outcome"] == outcome


def test_quiet_says_nothing_on_stderr(run: Typed, recorded: Recorded) -> None:
    ended = run("tune", "train.py:task", "--out", "runs/mine", "-q", backend=recorded.backend)
    assert ended.err == "printed by the task\n"  # its own words are its own business


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--fix", "batchsize=64"), "--fix must name one of lr, batch_size, momentum, weight_decay, epochs, got 'batchsize'. Did you mean batch_size?"),
        (("--bound", "epochs=1:2"), "--bound must name one of lr, batch_size, momentum, weight_decay, got 'epochs'."),
        (("--fix", "lr=1", "--bound", "lr=1:2"), "either fixed or bounded, got both --fix and --bound for lr."),
        (("--recipe", "reprot"), "--recipe must name one of ladder, report, got 'reprot'. Did you mean report?"),
        (("--schedule", "onecycle"), "got 'onecycle'. Did you mean one_cycle?"),
        (("--schedule", "cosine", "--cycles", "3"), "--cycles must be left out where the schedule is not triangular, triangular2 or exp_range, got 3 for"),
        (("--schedule", "triangular", "--cycles", "0"), "Invalid value for '--cycles'"),
        (("--budget", "nan"), "Invalid value for '--budget': must be finite and > 0, got nan."),
        (("--budget", "0"), "Invalid value for '--budget': must be finite and > 0, got 0.0."),
        (("--workers", "0"), "Invalid value for '--workers'"),
    ],
)
def test_bad_options_are_refused_before_the_task_is_loaded(run: Typed, options: tuple[str, ...], sentence: str) -> None:
    ended = run("tune", "nowhere.py:task", "--out", "runs/mine", *options)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1


def test_a_task_that_is_not_there_is_2(run: Typed, tmp_path: Path) -> None:
    ended = run("tune", f"{tmp_path}/nowhere.py:task", "--out", tmp_path / "runs")
    assert ended.code == 2
    assert ended.err.startswith("Error: The task's file must exist")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("text", "words"), [("def other(): pass", "There is other"), ("def task(): return 3", "must return a tunesmith.Task, got int")])
def test_a_file_without_a_task_is_2(run: Typed, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    ended = run("tune", f"{tmp_path}/train.py:task", "--out", tmp_path / "runs")
    assert ended.code == 2
    assert words in ended.err


def test_the_folder_of_another_tasks_study_is_2(run: Typed, study: Path) -> None:
    def tune(_task: object, *, out: Path, **_options: object) -> None:
        Study.create(out, fingerprint="beef", description={})

    ended = run("tune", "train.py:task", "--out", study, backend=Backend(load_task=lambda _reference: None, tune=tune))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err


def test_demo_says_where_it_goes(run: Typed, recorded: Recorded) -> None:
    ended = run("demo", backend=recorded.backend)
    assert ended.code == 0
    assert ended.err.startswith("Demo: handwritten digits, into runs/demo.\n")
    assert (recorded.given["task"], recorded.given["out"]) == ("demo task", Path("runs/demo"))
    run("demo", "--out", "elsewhere", backend=recorded.backend)
    assert recorded.given["out"] == Path("elsewhere")


def test_train_trains_with_a_plan(run: Typed, recorded: Recorded) -> None:
    args = ("train", "train.py:task", "--plan", "plan.toml", "--out", "runs/final", "--seeds", "2")
    ended = run(*args, backend=recorded.backend)
    assert ended.code == 0
    assert ended.out == (
        "Validation loss  0.25 ± 0.0707 (mean and standard deviation of 2 seeds: 0.2, 0.3)\n"
        "Test       loss  0.3 ± 0.0707 (mean and standard deviation of 2 seeds: 0.25, 0.35)\n"
    )
    assert (recorded.given["plan"], recorded.given["seeds"], recorded.given["out"]) == (recorded.plan, 2, Path("runs/final"))
    document = json.loads(run(*args, "--format", "json", backend=recorded.backend).out)
    assert document == {"version": 1, "goal": "loss", "out": "runs/final", "valid": [0.2, 0.3], "test": [0.25, 0.35], "seeds": [1, 2]}


def test_a_number_of_cycles_reaches_the_recipe_and_the_training(run: Typed, recorded: Recorded) -> None:
    words = ("--out", "runs/mine", "--schedule", "triangular", "--cycles", "3")
    for command in (("tune", "train.py:task"), ("train", "train.py:task", "--plan", "plan.toml")):
        ended = run(*command, *words, backend=recorded.backend)
        assert ended.code == 0, ended.err
        assert (recorded.given["schedule"], recorded.given["cycles"]) == ("triangular", 3)


def test_train_refuses_a_shape_before_anything_is_read(run: Typed) -> None:
    for options, sentence in ((("--schedule", "onecycle"), "Did you mean one_cycle?"), (("--schedule", "cosine", "--cycles", "3"), "--cycles must be")):
        ended = run("train", "nowhere.py:task", "--plan", "nowhere.toml", "--out", "runs/mine", *options)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert sentence in ended.err


def test_train_refuses_a_plan_that_is_not_there(run: Typed, tmp_path: Path) -> None:
    ended = run("train", "train.py:task", "--plan", tmp_path / "plan.toml", "--out", tmp_path / "runs")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1


def test_tune_says_where_the_report_is(run: Typed, recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "report.html").touch()
    ended = run("tune", "train.py:task", "--out", tmp_path, backend=recorded.backend)
    assert ended.err.splitlines()[-1] == f"Report: {tmp_path / 'report.html'}"
