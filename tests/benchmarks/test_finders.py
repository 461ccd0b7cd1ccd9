"""The bench of finders: its arithmetic on made-up rows, and its command on a task of milliseconds."""

import contextlib
import io
import itertools
import json
import math
import textwrap
from pathlib import Path
from typing import Any

import pytest
from benchmarks.finders.__main__ import main
from benchmarks.finders.grid import N_RATES, RANGES, Training, best_rate, grid, rates_of, retrainings
from benchmarks.finders.judging import judge, typical_spread, wilson
from benchmarks.finders.summary import summarize
from benchmarks.finders.table import table
from benchmarks.finders.what_if import RULES, Noted, landscape
from benchmarks.proof.cache import without_infinities
from benchmarks.proof.methods import find_methods
from benchmarks.proof.store import Store
from benchmarks.proof.study import study_key
from benchmarks.proof.tasks import find_tasks
from tests.benchmarks.made_up import TINY

METHODS = {
    "good": """
        from benchmarks.proof.problem import Choice
        from dataclasses import replace

        def choose(problem, *, seed):
            return Choice.of(replace(problem.untuned, lr=0.3), total_steps=2, note="made up")
    """,
    "low": """
        from benchmarks.proof.problem import Choice

        def choose(problem, *, seed):
            return Choice(settings={"lr": 1e-5}, total_steps=2, batch_size=16)

        def train(problem, choice, *, seed):
            raise AssertionError("a finder's own trainer is not used")
    """,
    "abstaining": """
        def choose(problem, *, seed):
            raise ValueError("no suggestion here")
    """,
}
Document = dict[str, Any]


def write_inputs(folder: Path) -> None:
    (folder / "tasks").mkdir()
    (folder / "methods").mkdir()
    (folder / "tasks" / "tiny.py").write_text(TINY)
    for name, text in METHODS.items():
        (folder / "methods" / f"{name}.py").write_text(textwrap.dedent(text))


def bench(folder: Path, *options: str) -> tuple[int, str]:
    heard = io.StringIO()
    folders = [word for name in ("task-folder", "method-folder") for word in (f"--{name}", str(folder / name.replace("-folder", "s")))]
    places = ["--cache", str(folder / "cache"), "--out", str(folder / "out"), "--tasks", "tiny", "--methods", ",".join(METHODS), "--seeds", "2"]
    with contextlib.redirect_stderr(heard), contextlib.redirect_stdout(io.StringIO()):
        return main([*folders, *places, *options]), heard.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("finders")
    write_inputs(path)
    code, heard = bench(path)
    assert code == 0, heard
    return path


@pytest.fixture
def document(folder: Path) -> Document:
    return json.loads((folder / "out" / "finders.json").read_text())


def line(document: Document, method: str) -> Document:
    return next(line for line in document["methods"] if line["method"] == method)


def test_twelve_rates_are_trained_for_each_seed_and_the_best_again(document: Document) -> None:
    task = document["tasks"]["tiny"]
    assert len(task["rates"]) == N_RATES
    assert len(task["seeds"]) == 2
    for found in task["seeds"]:
        assert found["best_lr"] == task["rates"][found["valid"].index(min(found["valid"]))]
        assert len(found["best_tests"]) == 3


def test_a_suggestion_is_judged_on_the_fresh_seeds(document: Document) -> None:
    assert line(document, "good")["n"] == 2
    low = line(document, "low")
    assert (low["n_within"], low["n_failed"]) == (0, 0)
    assert low["ratio"] > 1.1
    assert low["tasks"]["tiny"]["lr"] == 1e-5


def test_an_abstention_is_not_within_and_says_why(document: Document) -> None:
    abstaining = line(document, "abstaining")
    assert (abstaining["n"], abstaining["n_within"], abstaining["n_failed"], abstaining["ratio"]) == (2, 0, 2, None)
    assert "no suggestion here" in document["pairs"][-1]["why"]


def test_the_table_comes_from_the_rows_alone(folder: Path, document: Document) -> None:
    rows = (folder / "cache" / "tiny" / "trainings.jsonl").read_text()
    code, _ = bench(folder, "--cached", "--out", str(folder / "again"))
    assert code == 0
    again = json.loads((folder / "again" / "finders.json").read_text())
    assert again == document
    assert (folder / "cache" / "tiny" / "trainings.jsonl").read_text() == rows
    text = (folder / "again" / "finders.md").read_text()
    assert "| low | 0 of 2 |" in text
    assert "- abstaining, tiny, seed 1: ValueError: no suggestion here" in text


def test_an_unknown_finder_is_told() -> None:
    with contextlib.redirect_stderr(io.StringIO()) as heard:
        assert main(["--methods", "nobody"]) == 2
    assert "nobody" in heard.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Made-up rows: the loss of the grid is lowest at the fifth rate, where it is .5; four of five fresh seeds agree."""
    write_inputs(tmp_path)
    store = Store(tmp_path / "cache", find_tasks(["tiny"], folder=tmp_path / "tasks")[0])
    sizes = {"n_train": 64, "n_valid": 32, "n_test": 32, "metrics": {}, "parameters": 10}
    store.facts.put(store.key(), {"full_training_examples": 128.0, "optimizer": "sgd", **sizes})
    rates = rates_of("sgd")
    for training in grid(store, 0):
        put(store, training, loss=0.5 + abs(rates.index(training.lr) - 4))
    return store


def put(store: Store, training: Training, *, loss: float) -> None:
    facts = store.known_facts()
    assert facts is not None
    key = store.training_key(training.settings(facts), total_steps=training.total_steps(facts), seed=training.seed)
    store.trainings.put(key, {"valid": {"loss": loss}, "test": {"loss": loss}, "seconds": 3600.0})


def suggest(store: Store, folder: Path, lr: float) -> Document:
    (method,) = find_methods(["good"], folder=folder / "methods")
    store.studies.put(study_key(store, method, 0), {"choices": [{"settings": {"lr": lr}, "note": ""}], "search": 0.25})
    made = {"command": "made up", "machines": []}
    return without_infinities(summarize([store], [method], n_seeds=1, made=made))


@pytest.mark.parametrize(("loss", "within"), [(0.55, True), (0.5501, False), (math.inf, False)])
def test_ten_per_cent_are_allowed(store: Store, tmp_path: Path, loss: float, within: bool) -> None:  # noqa: FBT001 (a row of the table above)
    best = best_rate(store, 0)
    assert best == rates_of("sgd")[4]
    for training in retrainings(best):
        put(store, training, loss=0.5)
    for training in retrainings(0.01):
        put(store, training, loss=loss)
    (pair,) = suggest(store, tmp_path, 0.01)["pairs"]
    assert (pair["state"], pair["within"]) == ("done", within)
    assert pair["lr_over_best"] == pytest.approx(0.01 / best)


def test_where_seeds_spread_more_two_spreads_are_allowed(store: Store, tmp_path: Path) -> None:
    for training, loss in zip(retrainings(rates_of("sgd")[4]), (0.4, 0.5, 0.6), strict=True):
        put(store, training, loss=loss)
    for training in retrainings(0.01):
        put(store, training, loss=0.69)
    (pair,) = suggest(store, tmp_path, 0.01)["pairs"]
    assert pair["allowed"] == pytest.approx(0.7)
    assert pair["within"]


def test_what_is_not_trained_yet_is_missing_and_not_counted(store: Store, tmp_path: Path) -> None:
    document = suggest(store, tmp_path, 0.01)
    assert document["pairs"][0]["state"] == "missing"
    assert (line(document, "good")["n"], line(document, "good")["n_missing"]) == (0, 1)
    assert "| good | not run yet |" in table(document)


def test_the_plateau_and_the_hours_of_the_grid(store: Store, tmp_path: Path) -> None:
    task = suggest(store, tmp_path, 0.01)["tasks"]["tiny"]
    assert task["plateau"] == [rates_of("sgd")[4]] * 2
    assert task["cpu_hours"] == pytest.approx(N_RATES)


def test_the_best_at_an_end_is_flagged(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    store = Store(tmp_path / "cache", find_tasks(["tiny"], folder=tmp_path / "tasks")[0])
    sizes = {"n_train": 64, "n_valid": 32, "n_test": 32, "metrics": {}, "parameters": 10}
    store.facts.put(store.key(), {"full_training_examples": 128.0, "optimizer": "adamw", **sizes})
    for training in grid(store, 0):
        put(store, training, loss=1.0 - training.lr)
    document = suggest(store, tmp_path, 0.01)
    assert document["tasks"]["tiny"]["seeds"][0]["is_at_end"]
    assert "0.3 (at the end)" in table(document)


def test_the_rates_go_by_the_kind_of_optimizer() -> None:
    for optimizer, kind in (("sgd", "sgd"), ("nesterov", "sgd"), ("adam", "adam"), ("adamw", "adam")):
        rates = rates_of(optimizer)
        assert (rates[0], rates[-1], len(rates)) == (*RANGES[kind], 12)
        assert all(1.9 < high / low < 2.2 for low, high in itertools.pairwise(rates))


def test_spreads_of_retrainings_that_diverged_are_left_out() -> None:
    assert typical_spread([[1.0, math.inf, 2.0], [1.0, 2.0, 3.0]]) == 1.0
    assert typical_spread([]) == 0.0


def test_a_suggestion_that_diverged_once_is_not_within() -> None:
    assert not judge([0.5, math.inf, 0.5], best=[0.5, 0.5, 0.5], spread=0.1).is_within


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (0, 20), (20, 20), (17, 20)])
def test_the_interval_holds_the_share(successes: int, n: int) -> None:
    low, high = wilson(successes, n)
    assert 0 <= low <= (successes / n if n else 0.5) <= high <= 1


def test_ours_are_filed_under_the_code_that_they_use(tmp_path: Path) -> None:
    folder = Path(main.__code__.co_filename).parent / "methods"
    plain, scripted = find_methods(["lr_range", "in_script_linear"], folder=folder)
    assert plain.is_ours
    assert scripted.is_ours
    assert plain.package_digest() != scripted.package_digest()
    (tmp_path / "m.py").write_text("def choose(problem, *, seed):\n    pass\n")
    (peer,) = find_methods(["m"], folder=tmp_path)
    assert "-" not in peer.identity


def test_the_landscape_is_the_mean_of_the_complete_seeds() -> None:
    seeds = [{"test": [1.0, 0.4, 2.0]}, {"test": [1.0, 0.6, math.inf]}, {"test": [None, 0.1, 0.1]}]
    land = landscape(seeds, (0.01, 0.1, 1.0))
    assert land.losses[:2] == (1.0, 0.5)
    assert land.losses[2] > 100
    assert land.allowed == pytest.approx(0.5 + 2 * 0.1 * math.sqrt(2))
    assert land.interval[0] < 0.1 < land.interval[1]
    assert all(map(land.is_good, land.interval))


def test_a_rule_without_what_it_needs_gives_none() -> None:
    bare = Noted.of(0.2, "never_diverged; zone None; edge None")
    assert [name for name, rule in RULES.items() if rule(bare) is not None] == ["suggested", "suggested / 2", "suggested / 4"]
    assert Noted.of(0.2, "found; zone (0.1, 0.4); edge (0.3, 0.3)").middle == 0.15
