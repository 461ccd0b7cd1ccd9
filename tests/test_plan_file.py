import dataclasses
import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.record_strategies import plans

from tunesmith.errors import InputError
from tunesmith.finding import Finding
from tunesmith.optimizers import OPTIMIZER_NAMES
from tunesmith.plan import Plan, StudyCost, StudyOutcome, Trained
from tunesmith.plan_file import OptimizerName, read_plan, write_plan
from tunesmith.settings import Settings

SAME_FOLDER = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
PLAN = Plan(
    outcome=StudyOutcome.RECOMMENDED,
    settings=Settings(lr=0.5, min_lr=0.05, momentum=0.95, min_momentum=0.85, weight_decay=3e-4, batch_size=64),
    optimizer_name="nesterov",
    n_train=1257,
    total_steps=589,
    goal="accuracy",
    cost=StudyCost(search=0.93, confirm=1.0, seconds=12.5),
    confirmed=Trained(valid=(0.97, 0.96), test=(0.95, 0.96), seeds=(101, 102)),
    findings=(Finding(kind="edge", value=1.1, interval=(1.0, 1.3), confidence=0.9, evidence="One sweep.", not_established="Other lengths."),),
    advice=('Train it on another seed: "quoted", \\ and \n are text.',),
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """PLAN in a file."""
    path = tmp_path / "plan.toml"
    write_plan(PLAN, path)
    return path


def edit(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(), flags=re.MULTILINE)
    assert count == 1, f"{pattern} is there {count} times"
    path.write_text(text)


def problem_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_plan(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@SAME_FOLDER
@given(plans())
def test_a_plan_comes_back_from_its_file(tmp_path: Path, plan: Plan) -> None:
    write_plan(plan, tmp_path / "plan.toml")
    again = Plan.load(tmp_path / "plan.toml")
    before, after = plan.to_dict(), again.to_dict()
    assert after.pop("cost") == {**before.pop("cost"), "seconds": 0.0}  # type: ignore[dict-item]
    assert after == before


@SAME_FOLDER
@given(plans())
def test_the_same_plan_gives_the_same_bytes(tmp_path: Path, plan: Plan) -> None:
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    write_plan(plan, one)
    write_plan(Plan.load(one), other)
    assert one.read_bytes() == other.read_bytes()


def test_wall_clock_seconds_do_not_change_the_file(file: Path, tmp_path: Path) -> None:
    slower = Plan.from_dict({**PLAN.to_dict(), "cost": {**PLAN.cost.to_dict(), "seconds": 99.0}})
    write_plan(slower, tmp_path / "slower.toml")
    assert (tmp_path / "slower.toml").read_bytes() == file.read_bytes()


def test_the_file_reads_like_the_plan(file: Path) -> None:
    data = tomllib.loads(file.read_text())
    assert data["version"] == 1
    assert data["plan"]["max_lr"] == 0.5
    assert data["plan"]["optimizer"] == "nesterov"
    assert "optimizer" not in data["task"]
    assert file.read_text().startswith("# A plan by tunesmith.")


def test_a_number_of_cycles_is_in_the_file_of_a_schedule_that_can_have_several(file: Path) -> None:
    assert "cycles" not in file.read_text()
    write_plan(dataclasses.replace(PLAN, settings=Settings(lr=0.5, schedule="triangular", cycles=3)), file)
    assert tomllib.loads(file.read_text())["plan"]["cycles"] == 3
    assert (Plan.load(file).cycles, Plan.load(file).min_lr) == (3, 0.125)


def test_a_file_from_before_cycles_could_be_asked_for_has_the_usual_number(file: Path) -> None:
    write_plan(dataclasses.replace(PLAN, settings=Settings(lr=0.5, schedule="triangular2")), file)
    edit(file, r"^cycles = 4\n", "")
    assert Plan.load(file).cycles == 4


@pytest.mark.parametrize(
    ("schedule", "cycles", "words"),
    [("one_cycle", "3", "in plan, cycles must be left out where the schedule is not triangular"), ("triangular", "0", "plan.cycles must be greater than")],
)
def test_cycles_that_do_not_fit_are_named(file: Path, schedule: str, cycles: str, words: str) -> None:
    edit(file, r"^schedule = .*$", f'schedule = "{schedule}"\ncycles = {cycles}')
    assert words in problem_of(file)


def test_no_temporary_file_stays(file: Path) -> None:
    assert list(file.parent.iterdir()) == [file]


def test_results_that_diverged_come_back(tmp_path: Path) -> None:
    diverged = dataclasses.replace(PLAN, confirmed=Trained(valid=(math.nan, 0.3), test=None, seeds=(1, 2)))
    write_plan(diverged, tmp_path / "plan.toml")
    again = Plan.load(tmp_path / "plan.toml").confirmed
    assert again is not None
    assert math.isnan(again.valid[0])
    assert again.valid[1:] == (0.3,)


def test_an_open_interval_comes_back(tmp_path: Path) -> None:
    found = Finding(kind="edge", value=1.1, interval=(-math.inf, math.inf), confidence=0.5, evidence="", not_established="")
    write_plan(dataclasses.replace(PLAN, findings=(found,)), tmp_path / "plan.toml")
    assert Plan.load(tmp_path / "plan.toml").findings == (found,)


def test_an_edited_learning_rate_loads(file: Path) -> None:
    edit(file, r"^max_lr = .*$", "max_lr = 1")  # a person writes 1, not 1.0
    plan = Plan.load(file)
    assert plan.max_lr == 1.0
    assert isinstance(plan.max_lr, float)
    assert plan.weight_decay == PLAN.weight_decay


def test_keys_left_out_fall_back_to_their_defaults(file: Path) -> None:
    for name in ("min_lr", "min_momentum", "epochs"):
        edit(file, rf"^{name} = .*\n", "")
    plan = Plan.load(file)
    assert plan.min_lr == pytest.approx(0.05)
    assert plan.min_momentum == 0.95
    assert plan.epochs == PLAN.epochs


def test_every_problem_is_listed_at_once(file: Path) -> None:
    edit(file, r"^max_lr = .*$", "max_lr = -1.0\nlr = 0.1")
    edit(file, r"^batch_size = .*$", 'batch_size = "big"')
    edit(file, r"^max_momentum = .*$", "max_momentum = nan")
    edit(file, r"^schedule = .*$", 'schedule = "two_cycle"')
    edit(file, r"^n_train = .*\n", "")
    problem = problem_of(file)
    for part in (
        "plan.max_lr must be greater than 0, got -1.0",
        "plan.lr is no key of a plan",
        "plan.batch_size must be a valid integer, got 'big'",
        "plan.max_momentum must be a finite number, got nan",
        "plan.schedule must be one of one_cycle,",
        "task.n_train is missing",
    ):
        assert part in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("pattern", "replacement", "expected"),
    [
        (r"^min_lr = .*$", "min_lr = 0.6", r"min_lr must be at most max_lr \(0.5\), got 0.6"),
        (r"^min_momentum = .*$", "min_momentum = 0.97", r"min_momentum must be at most max_momentum \(0.95\), got 0.97"),
        (r"^batch_size = .*$", "batch_size = 128", r"plan.total_steps must be .* \(294\), got 589 \(change them together"),
        (r"^epochs = .*$", "epochs = 60", r"plan.total_steps must be .* \(1178\), got 589"),
        (r"^precision = .*$", 'precision = "fp8"', "task.precision must be 'fp32', 'bf16' or 'fp16', got 'fp8'"),
        (r"^precision = ", 'optimizer = "adam"\nprecision = ', r"task.optimizer must be plan.optimizer \('nesterov'\) or be left out, got 'adam'"),
        (r"^seeds = \[\n[^]]*\]", "seeds = [1]", "confirmed, valid, test and seeds must be equally long, got 2, 2 and 1"),
        (r"^total_steps = .*$", "total_steps = true", "plan.total_steps must be a valid integer, got True"),
        (r"^total_steps = .*$", "total_steps = 589.0", "plan.total_steps must be a valid integer, got 589.0"),
        (r"^max_lr = .*$", "max_lr = true", "plan.max_lr must be a valid number, got True"),
        (r"^max_lr = .*$", "max_lr = inf", "plan.max_lr must be a finite number, got inf"),
        (r"^max_lr = .*$", "max_lr = 2020-02-02", "plan.max_lr must be a valid number"),
        (r"^outcome = .*$", 'outcome = "great"', "outcome must be 'recommended', "),
        (r"^version = .*$", "", "version is missing"),
        (r"^version = .*$", "version = 0", "version must be greater than or equal to 1, got 0"),
        (r"^version = .*$", "version = 2", "version 1 or older for this tunesmith, .* is of version 2. Install a newer"),
        (r"^\[plan\]$", "[plans]", "plans is no key of a plan"),
        (r"^\[plan\]$", "[plan", "must be a TOML file"),
    ],
)
def test_what_does_not_fit_is_named(file: Path, pattern: str, replacement: str, expected: str) -> None:
    edit(file, pattern, replacement)
    assert re.search(expected, problem_of(file))


def test_a_plan_without_settings_needs_the_optimizer_of_the_task(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    write_plan(Plan(outcome=StudyOutcome.ABSTAINED, settings=None, optimizer_name="adamw", n_train=9, total_steps=0), path)
    assert Plan.load(path).optimizer_name == "adamw"
    edit(path, r"^optimizer = .*\n", "")
    assert "task.optimizer must be there" in problem_of(path)


def test_a_long_wrong_value_is_cut_short(file: Path) -> None:
    edit(file, r"^batch_size = .*$", f'batch_size = "{"9" * 5000}"')
    assert len(problem_of(file)) < 1000


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\x00" * 100, b"a = " + b"[" * 10_000, b"SQLite format 3\x00", b"max_lr = 0.1"])
def test_a_file_that_holds_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(content)
    assert problem_of(path)


@pytest.mark.parametrize("name", ["", "missing.toml"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    assert "cannot be" in problem_of(tmp_path / name)


def test_a_failed_write_keeps_the_file_of_before(file: Path) -> None:
    before = file.read_bytes()
    (file.parent / ".plan.toml.tmp").mkdir()  # in the way of the temporary file
    with pytest.raises(InputError, match="was not"):
        write_plan(PLAN, file)
    assert file.read_bytes() == before


def test_writing_to_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        write_plan(PLAN, tmp_path / "missing" / "plan.toml")


def test_text_that_no_file_can_hold_is_replaced(tmp_path: Path) -> None:
    write_plan(Plan.from_dict({**PLAN.to_dict(), "advice": ["a name \udc80"]}), tmp_path / "plan.toml")
    assert Plan.load(tmp_path / "plan.toml").advice == ("a name ?",)


def test_the_file_knows_every_optimizer() -> None:
    assert set(_options(OptimizerName)) == {*OPTIMIZER_NAMES, "custom"}


def _options(literal: object) -> Iterator[str]:
    yield from literal.__args__  # type: ignore[attr-defined]
