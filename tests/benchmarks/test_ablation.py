"""The ablation: each variant switches off what its name says and nothing for good, and the table's arithmetic on made-up rows."""

import contextlib
import io
import textwrap
from itertools import groupby
from pathlib import Path
from types import ModuleType

import pytest
import torch
from benchmarks.ablation import replacing
from benchmarks.ablation.__main__ import main
from benchmarks.ablation.variants import (
    VARIANTS,
    VARIANTS_FOLDER,
    decay_not_matched,
    find_variants,
    no_annealing,
    no_joint_search,
    no_ladder,
    no_pairing,
    no_rebalancing,
)
from benchmarks.proof.cache import Row, Rows
from benchmarks.proof.methods import Method
from benchmarks.proof.reference import FRESH_SEEDS, N_REFERENCE, best_of, oracle_key, reference_key, reference_rows
from benchmarks.proof.store import Store
from benchmarks.proof.study import RETRAINING_SEEDS, run_study, study_key
from benchmarks.proof.tasks import find_tasks
from tests.benchmarks.made_up import TINY
from tests.recipe.tiny import INPUTS, Tuned, blobs, is_sweep, make_task, tuned
from torch import nn

from tunesmith.errors import InputError
from tunesmith.recipe import confirming
from tunesmith.recipe.ladder import climb as ladder_recipe
from tunesmith.recipe.ladder import rungs
from tunesmith.recipe.ladder.rungs import Ladder
from tunesmith.schedules import total_decay
from tunesmith.settings import RunSpec, Settings

SWITCHES = (no_joint_search, no_ladder, no_annealing, decay_not_matched, no_rebalancing, no_pairing)
OWNERS = (Ladder, rungs, ladder_recipe, confirming)


def learnt_by_heart() -> object:
    """Blobs, four in ten under another name, and a wide network: a full training overfits, and the whole recipe answers that."""
    inputs, labels = blobs(160, 0)
    generator = torch.Generator().manual_seed(1)
    flipped = torch.rand(160, generator=generator) < 0.4
    train = inputs, torch.where(flipped, torch.randint(4, (160,), generator=generator), labels)
    return make_task(model=lambda: nn.Sequential(nn.Linear(INPUTS, 256), nn.ReLU(), nn.Linear(256, 4)), train=train, valid=blobs(256, 1), epochs=120)


def tuned_without(module: ModuleType | None, folder: Path, **options: object) -> Tuned:
    with contextlib.nullcontext() if module is None else module.switched_off():
        return tuned(learnt_by_heart(), folder, recipe="ladder", **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    return tuned_without(None, tmp_path_factory.mktemp("whole"))


def short_runs(done: Tuned) -> list[RunSpec]:
    return [stored.run.spec for stored in done.stored() if stored.purpose == "search" and not is_sweep(stored)]


def confirming_runs(done: Tuned) -> list[RunSpec]:
    return [stored.run.spec for stored in done.stored() if stored.purpose == "confirm"]


def by_length(runs: list[RunSpec]) -> dict[int, list[RunSpec]]:
    return {steps: list(found) for steps, found in groupby(sorted(runs, key=lambda spec: spec.total_steps), key=lambda spec: spec.total_steps)}


def full_steps(done: Tuned) -> int:
    return done.task.steps_at(short_runs(done)[0].settings.batch_size)


def total_decays(runs: list[RunSpec]) -> set[float]:
    """To one digit: weight decays are rounded to two."""
    decays = (total_decay(spec.settings, total_steps=spec.total_steps, optimizer_name="sgd") for spec in runs)
    return {float(f"{decay:.1g}") for decay in decays}


class TestSwitches:
    def test_the_whole_recipe_has_all_of_them(self, whole: Tuned) -> None:
        runs = short_runs(whole)
        lowest = min(by_length(runs))
        assert len(by_length(runs)) >= 2
        assert {spec.settings.momentum for spec in runs} <= {0.9, 0.95}
        assert {spec.settings.schedule for spec in runs} == {"one_cycle"}
        assert len({spec.seed for spec in runs if spec.total_steps > lowest}) == 1
        assert confirming_runs(whole)

    def test_without_the_joint_search_only_the_peak_varies(self, tmp_path: Path) -> None:
        def knobs(module: ModuleType | None, name: str) -> tuple[set[float], set[float]]:
            runs = short_runs(tuned_without(module, tmp_path / name, fixed={"lr": 0.01}))  # no line of peaks: all side arms are affordable
            return {spec.settings.momentum for spec in runs}, total_decays(runs)

        assert knobs(None, "whole") == ({0.9, 0.95}, {0.1, 1.0})
        assert knobs(no_joint_search, "without") == ({0.95}, {0.1})

    def test_without_the_ladder_all_short_runs_are_of_an_eighth_and_the_plan_is_of_all(self, whole: Tuned, tmp_path: Path) -> None:
        done = tuned_without(no_ladder, tmp_path)
        assert set(by_length(short_runs(done))) == {round(full_steps(done) / 8)}
        assert len(short_runs(done)) >= 4
        assert confirming_runs(done)[0].total_steps == full_steps(done)
        assert confirming_runs(whole)[0].total_steps < full_steps(whole)

    def test_without_annealing_short_runs_are_constant_and_the_plan_is_a_cycle(self, tmp_path: Path) -> None:
        done = tuned_without(no_annealing, tmp_path)
        assert {spec.settings.schedule for spec in short_runs(done)} == {"constant"}
        assert {spec.settings.schedule for spec in confirming_runs(done)} == {"one_cycle"}
        assert total_decays(short_runs(done)) == {0.1, 1.0}

    def test_without_matched_decay_a_choice_has_one_weight_decay_at_every_length(self, whole: Tuned, tmp_path: Path) -> None:
        def is_on_every_rung(done: Tuned) -> bool:
            """The weight decay of the longest run."""
            lengths = by_length(short_runs(done))
            decay = lengths[max(lengths)][0].settings.weight_decay
            return all(decay in [spec.settings.weight_decay for spec in found] for found in lengths.values())

        assert is_on_every_rung(tuned_without(decay_not_matched, tmp_path))
        assert not is_on_every_rung(whole)

    def test_without_rebalancing_the_first_plan_stays(self, tmp_path: Path) -> None:
        done = tuned_without(no_rebalancing, tmp_path)
        assert len(confirming_runs(done)) == 1
        assert done.plan.total_steps == confirming_runs(done)[0].total_steps

    def test_without_pairing_every_run_has_a_seed_of_its_own(self, tmp_path: Path) -> None:
        runs = short_runs(tuned_without(no_pairing, tmp_path))
        assert len({spec.seed for spec in runs}) == len(runs)

    @pytest.mark.parametrize("module", SWITCHES, ids=lambda module: module.__name__.rpartition(".")[2])
    def test_everything_is_as_before_also_where_the_study_failed(self, module: ModuleType) -> None:
        before = [dict(vars(owner)) for owner in OWNERS]
        with contextlib.suppress(ZeroDivisionError), module.switched_off():
            assert [dict(vars(owner)) for owner in OWNERS] != before
            raise ZeroDivisionError
        assert [dict(vars(owner)) for owner in OWNERS] == before

    def test_a_name_that_the_package_no_longer_has_is_told(self) -> None:
        with pytest.raises(RuntimeError, match="must define MOST_REPLIES"), replacing.replaced(confirming, "MOST_REPLIES", 0):
            pass


class TestVariants:
    def test_each_file_is_a_variant_and_the_whole_recipe_is_always_among_them(self) -> None:
        assert {path.stem for path in VARIANTS_FOLDER.glob("*.py")} == {"__init__", *VARIANTS}
        assert [method.name for method in find_variants(["no_ladder"])] == ["whole", "no_ladder"]

    def test_an_unknown_one_is_told(self) -> None:
        with pytest.raises(InputError, match=r"must be among whole, .*, got nothing."):
            find_variants(["nothing"])

    def test_rows_are_filed_under_the_variant_what_all_share_and_the_package(self) -> None:
        whole, one, other = find_variants(["no_ladder", "no_pairing"])
        assert len({whole.identity, one.identity, other.identity}) == 3
        assert one.identity.endswith(f"-{one.package_digest()}")
        assert "SHARED_CODE" in one.source

    def test_a_study_is_a_row_of_the_proof_benchs_kind(self, tmp_path: Path) -> None:
        (tmp_path / "longer.py").write_text(TINY.replace("epochs=2", "epochs=300"))
        store = Store(tmp_path / "cache", find_tasks(["longer"], folder=tmp_path)[0])
        _, method = find_variants(["no_rebalancing"])
        row = run_study(store, method, 0)
        assert row["choices"][0]["note"] == "recommended"
        assert 0 < row["search"] <= 1


MADE_UP = """
    from benchmarks.proof.problem import Choice

    IS_OURS = True

    def choose(problem, *, seed):
        raise AssertionError("nothing is trained here")
"""


class TestTable:
    """On a made-up task: random setting i has loss i, seeds spread by 1, the oracle is 0."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        (tmp_path / "tasks").mkdir()
        (tmp_path / "variants").mkdir()
        (tmp_path / "tasks" / "tiny.py").write_text(TINY)
        for name in ("whole", "no_ladder", "no_pairing"):
            (tmp_path / "variants" / f"{name}.py").write_text(textwrap.dedent(MADE_UP))
        store = Store(tmp_path / "cache", find_tasks(["tiny"], folder=tmp_path / "tasks")[0])
        store.studies = Rows(tmp_path / "cache" / "ablation" / "tiny.jsonl")
        sizes = {"n_train": 64, "n_valid": 32, "n_test": 32, "metrics": {}, "parameters": 10}
        store.facts.put(store.key(), {"full_training_examples": 128.0, "optimizer": "sgd", **sizes})
        for index in range(N_REFERENCE):
            row = {"settings": Settings(lr=0.001 * (index + 1)).to_dict(), "total_steps": 2, "trained": 128, "evaluated": 32}
            store.reference.put(reference_key(store, index), row | losses(float(index)))
        for place in range(len(best_of(reference_rows(store)))):
            for seed, offset in zip(FRESH_SEEDS, (-1.0, -1.0, 0.0, 1.0, 1.0), strict=True):
                store.trainings.put(oracle_key(store, place, seed), losses(place + offset))
        return store

    def method(self, folder: Path, name: str) -> Method:
        return find_variants([name], folder=folder / "variants")[-1]

    def test_a_variant_is_held_against_the_whole_recipe(self, store: Store, tmp_path: Path) -> None:
        put_study(store, self.method(tmp_path, "whole"), lr=0.5, test=4.5, total=2.0)
        put_study(store, self.method(tmp_path, "no_ladder"), lr=0.6, test=60.5, total=3.0)
        text = cached(tmp_path)
        assert "| whole | 1 | 1 | 5.2 (5.2) | 0 | 0 | 1.00 | 2.00 | 0 of 3 |" in text
        assert "| no ladder | 1 | 1 | 63.5 (5.2) | 1 | 0 | 1.00 | 3.00 | 3 of 3 |" in text
        assert "| tiny | 5.2, 4.5 | 63.5, 60.5 |  |" in text
        assert "- no_pairing: not run yet: tiny (1)" in text

    def test_a_crash_is_infinitely_bad(self, store: Store, tmp_path: Path) -> None:
        put_study(store, self.method(tmp_path, "whole"), lr=0.5, test=4.5, total=2.0)
        store.note_failure(store.studies, study_key(store, self.method(tmp_path, "no_ladder"), 0), "ValueError: made up")
        text = cached(tmp_path)
        assert "| no ladder | 1 | 1 | 100 (5.2) | 1 | 0 | ∞ | ∞ | 3 of 3 |" in text
        assert "- no_ladder: ValueError: made up: tiny (1)" in text

    def test_rows_of_an_earlier_code_are_shown_and_told(self, store: Store, tmp_path: Path) -> None:
        key = study_key(store, self.method(tmp_path, "whole"), 0)
        put_study(store, self.method(tmp_path, "whole"), lr=0.5, test=4.5, total=2.0, key={**key, "code": "0-0"})
        assert "| whole (1 of 1 studies are of an earlier code) | 1 | 1 | 5.2" in cached(tmp_path)


def losses(value: float) -> Row:
    return {"outcome": "finished", "valid": {"loss": value}, "test": {"loss": value}, "test_at_best": {"loss": value}, "best_valid": value}


def put_study(store: Store, method: Method, *, lr: float, test: float, total: float, key: Row | None = None) -> None:
    settings = Settings(lr=lr)
    choice = {"settings": settings.to_dict(), "total_steps": 2, "batch_size": settings.batch_size, "search": 1.0, "final": total - 1.0, "note": ""}
    store.studies.put(key or study_key(store, method, 0), {"choices": [choice], "search": 1.0, "searches_on": False, "seconds": 1.0, "trainer": "loop"})
    for seed in RETRAINING_SEEDS:
        store.trainings.put(store.training_key(settings, total_steps=2, seed=seed), losses(test))


def cached(folder: Path) -> str:
    places = {"task-folder": "tasks", "method-folder": "variants", "cache": "cache", "out": "out"}
    given = [word for option, name in places.items() for word in (f"--{option}", str(folder / name))]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*given, "--tasks", "tiny", "--variants", "no_ladder,no_pairing", "--studies", "1", "--cached"]) == 0
    return (folder / "out" / "ablation.md").read_text()
