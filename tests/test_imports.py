"""What must start at once, and on a machine without a working torch: each case asks a fresh interpreter which heavy modules it has loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.cost import Cost
from tunesmith.curve import Curve, Run
from tunesmith.experiment import Arm, Experiment
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.settings import RunKind, RunSpec, Settings
from tunesmith.study import Study

SOURCE = Path(__file__).parents[1] / "src"
PROBE = """
import json, sys
from tunesmith.cli import main
code = main()
print("\\nLOADED", json.dumps([code, sorted(sys.modules)]))
"""


def start(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints for `code`; warnings are errors there too."""
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_of_command(*arguments: str) -> set[str]:
    """Modules loaded once `tunesmith ARGUMENTS` has ended well."""
    code, modules = json.loads(start(PROBE, *arguments).rpartition("LOADED")[2])
    assert code == 0
    return set(modules)


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with one range test and no plan to use, written without training anything."""
    folder = tmp_path_factory.mktemp("study")
    settings = Settings(lr=1.0, min_lr=0.0)
    lrs = tuple(step / 100 for step in range(100))
    curve = Curve(
        lr=lrs,
        momentum=(0.9,) * 100,
        train_loss=tuple(2.0 - lr for lr in lrs),
        eval_step=tuple(range(10, 101, 10)),
        valid_loss=tuple(2.0 - step / 100 for step in range(10, 101, 10)),
        cost=Cost(trained_examples=6400, evaluated_examples=1000, seconds=1.0),
    )
    run = Run(spec=RunSpec(settings=settings, total_steps=100, seed=0, kind=RunKind.LINEAR_RAMP, evaluations=9), curve=curve)
    description = {
        "task": "made by hand", "n_train": 640, "n_valid": 100, "goal": "loss", "goal_is_higher_better": False, "optimizer": "sgd",
        "budget": 1.0, "seed": 0, "full_training_examples": 64000.0, "versions": {}, "thresholds": {},
    }  # fmt: skip
    with Study.create(folder, fingerprint="f" * 20, description=description) as study:
        study.add(run, purpose="search")
        study.put_experiment(Experiment(probe="lr_range", arms=(Arm(label="as the task has it", value=None, run=run),)))
        study.put_plan(Plan(outcome=StudyOutcome.RECOMMENDED, settings=settings, optimizer_name="sgd", n_train=640, total_steps=1000))
    return folder


def test_import_tunesmith_loads_nothing_heavy() -> None:
    loaded = set(json.loads(start("import tunesmith, sys, json; print(json.dumps(sorted(sys.modules)))")))
    assert not loaded & {"torch", "numpy", "scipy", "matplotlib", "plotly", "pydantic", "click", "rich"}


@pytest.mark.parametrize("arguments", [["--help"], ["tune", "--help"], ["show", "--help"], ["diagnose", "--help"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert not modules_of_command(*arguments) & {"torch", "numpy", "scipy", "matplotlib", "plotly", "pydantic"}


@pytest.mark.parametrize("command", ["show", "report"])
def test_reading_a_study_needs_no_torch(command: str, study_folder: Path) -> None:
    assert not modules_of_command(command, str(study_folder)) & {"torch", "matplotlib", "pydantic"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_rescaling_a_study_needs_neither_torch_nor_drawing(form: str, study_folder: Path) -> None:
    loaded = modules_of_command("rescale", str(study_folder), "--batch-size", "128", "--format", form)
    assert not loaded & {"torch", "matplotlib", "plotly", "pydantic"}


def test_a_rescaled_plan_is_written_without_torch(study_folder: Path, tmp_path: Path) -> None:
    loaded = modules_of_command("rescale", str(study_folder), "--batch-size", "128", "--out", str(tmp_path / "new.toml"))
    assert not loaded & {"torch", "matplotlib"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_diagnosing_a_log_needs_neither_torch_nor_drawing(form: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,loss,val_loss\n" + "".join(f"{step},{2 / step},{2.1 / step}\n" for step in range(1, 40)))
    assert not modules_of_command("diagnose", str(log), "--explain", "--format", form) & {"torch", "matplotlib", "pydantic", "plotly", "tensorboard"}
