"""What fits in a study: measured once, cut into micro-batches, stated in the plan, applied by `train`, and mended where it turns out too much.

Memory is a training step's that runs out of it beyond a number of examples, as CUDA does.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from tests.recipe.tiny import KNOBS, Heard, accuracy, blobs, make_task, mlp, time_model, tuned
from torch import Tensor, nn
from torch.nn import functional as F

from tunesmith.engine import Fit
from tunesmith.errors import InputError, TaskError
from tunesmith.plan import Plan
from tunesmith.recipe import train, tune
from tunesmith.recipe.fitting import FIT_NOTE, check_where_it_fits, in_micro_batches, with_evaluation
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.loader import fixed_size_of, in_multiples
from tunesmith.study import Study
from tunesmith.task import Batch, Task

Seen = list[int]
BAD_FIT = "ran out in a run"


LONG = 150
"""Epochs of which a hundredth pays for looking for a limit of 40."""


def limited(limit: int, *, evaluated: int | None = None, seen: Seen | None = None, model: Callable[[], nn.Module] = mlp, epochs: float = LONG) -> Task:
    """A task of which `limit` examples go forward and back at once, and as many (or `evaluated`) forward alone."""

    def training(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        if seen is not None:
            seen.append(len(batch[0]))
        if len(batch[0]) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return F.cross_entropy(network(batch[0]), batch[1])

    def evaluation(network: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, tuple[Tensor, int]]:
        count = len(batch[0])
        if count > (evaluated or limit):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        output = network(batch[0])
        return {"loss": (F.cross_entropy(output, batch[1]) * count, count), "accuracy": (accuracy(output, batch[1]) * count, count)}

    return dataclasses.replace(make_task(model=model, epochs=epochs), loss=None, training_step=training, evaluation_step=evaluation)


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))


def fit(largest: int, *, cap: int = 1024, smallest: int = 1, bytes_at: dict[int, int] | None = None, limit_bytes: int = 10**9) -> Fit:
    return Fit(
        largest=largest, smallest=smallest, cap=cap, is_capped=largest == cap, is_measured=True, margin=0.1, went_through=largest,
        failed_at=None if largest == cap else largest + 4, limit_bytes=limit_bytes, bytes_at=bytes_at or {largest: 1000}, trained_examples=100,
        has_equal_shapes=True, notes=(),
    )  # fmt: skip


class TestInMicroBatches:
    @pytest.mark.parametrize(
        ("largest", "sizes", "micro"),
        [(1024, (64, 1024), None), (300, (64, 128), None), (300, (64, 512), 256), (100, (64, 128, 32), 64), (40, (128,), 32), (40, (127,), 32), (1, (64,), 1)],
    )
    def test_the_largest_decides(self, largest: int, sizes: Sequence[int], micro: int | None) -> None:
        assert in_micro_batches(make_task(), fit(largest), sizes=sizes).micro_batch_size == micro

    def test_where_the_last_part_of_another_would_be_too_small_another_is_taken(self) -> None:
        """Of 65, micro-batches of 64 would leave one example, which BatchNorm cannot take."""
        micro = in_micro_batches(make_task(), fit(100, smallest=2), sizes=(128, 65)).micro_batch_size
        assert micro is not None
        assert 65 <= micro <= 100 or 65 % micro >= 2
        assert 128 % micro != 1

    def test_a_batch_maker_gets_equal_parts_of_every_size(self) -> None:
        maker = make_task(train=lambda size, _generator: iter([blobs(size)]), examples_per_epoch=320)
        assert in_micro_batches(maker, fit(40), sizes=(96, 48, 64)).micro_batch_size == 32 or 16
        micro = in_micro_batches(maker, fit(40), sizes=(96, 48, 64)).micro_batch_size
        assert micro is not None
        assert [size % micro for size in (96, 48, 64)] == [0, 0, 0]

    def test_sizes_that_no_part_suits_are_refused(self) -> None:
        with pytest.raises(InputError, match=r"one size from 2 to 3, which fit into memory, and 7, 8, 10 cannot be\. Choose"):
            in_micro_batches(make_task(), fit(3, smallest=2), sizes=(10, 8, 7))
        with pytest.raises(InputError, match="at least 2 examples, got 1"):
            in_micro_batches(make_task(), fit(64, cap=64, smallest=2), sizes=(64, 1))

    def test_evaluation_is_cut_too_where_memory_is_the_limit(self) -> None:
        assert in_micro_batches(make_task(), fit(100, cap=300), sizes=(16,)).micro_batch_size == 100

    def test_what_the_task_says_itself_stays(self) -> None:
        task = dataclasses.replace(make_task(), micro_batch_size=7)
        assert in_micro_batches(task, None, sizes=(64,)) is task


class TestEvaluation:
    @pytest.mark.parametrize(("evaluated", "micro"), [(20, 16), (10**6, None)])
    def test_it_is_tried_where_its_batches_are_larger_than_any_of_the_training(self, tmp_path: Path, evaluated: int, micro: int | None) -> None:
        """Sixteen go through, and training asks for no more; an evaluation's batch has up to 256."""
        done = tuned(limited(20, evaluated=evaluated), tmp_path, fixed=KNOBS | {"batch_size": 16}, time_model=time_model(tmp_path))
        assert done.plan.micro_batch_size == micro
        assert done.plan.batch_size == 16
        heard = Heard()
        train(limited(20, evaluated=evaluated), done.plan, out=tmp_path / "trained", progress=heard)
        assert heard.messages == []  # nothing is cut but evaluation

    def test_on_the_cpu_it_is_foretold_first(self) -> None:
        """100 bytes an example, so 26 600 for 256: tried where they are there, not where trying would end the process."""
        tried: list[int] = []

        def model() -> nn.Module:
            tried.append(1)
            return mlp()

        for limit_bytes, is_tried in ((27_000, True), (26_000, False)):
            tried.clear()
            measured = fit(16, cap=16, bytes_at={8: 1800, 16: 2600}, limit_bytes=limit_bytes)
            found = with_evaluation(make_task(model=model), measured, device="cpu", seed=0)
            assert (bool(tried), found.is_capped) == (is_tried, is_tried)
            assert len(found.notes) == (not is_tried)


class TestCheck:
    @pytest.mark.parametrize("limit", [1, 2, 20, 40])
    def test_a_task_is_checked_with_as_few_as_fit(self, limit: int) -> None:
        assert check_where_it_fits(limited(limit), device="cpu").n_valid == 128

    def test_what_always_fits_is_checked_as_ever(self) -> None:
        assert check_where_it_fits(limited(40), device="cpu") == check_where_it_fits(limited(10**6), device="cpu")

    def test_where_not_even_one_goes_through_accumulating_cannot_help(self) -> None:
        with pytest.raises(TaskError, match=r"^A batch of one must fit .* accumulating gradients cannot help\.$"):
            check_where_it_fits(limited(0), device="cpu")

    def test_with_batch_norm_neither(self) -> None:
        with pytest.raises(TaskError, match=r"^A batch of two, as BatchNorm needs them, must fit"):
            check_where_it_fits(limited(1, model=normed), device="cpu")


class TestTune:
    @pytest.mark.parametrize(("limit", "epochs"), [(1, 20), (10, 20), (20, LONG), (40, LONG)])
    def test_what_does_not_fit_is_cut_stated_and_applied(self, tmp_path: Path, limit: int, epochs: float) -> None:
        seen: Seen = []
        done = tuned(limited(limit, seen=seen, epochs=epochs), tmp_path, fixed=KNOBS | {"batch_size": 64}, time_model=time_model(tmp_path))
        micro = done.plan.micro_batch_size
        assert micro is not None
        assert limit / 2 <= micro <= limit
        assert done.plan.batch_size == 64
        assert Plan.load(done.folder / "plan.toml").micro_batch_size == micro
        seen.clear()
        heard = Heard()
        again = train(limited(limit, seen=seen, epochs=epochs), done.plan, out=tmp_path / "trained", seed=500, progress=heard)
        assert max(seen) <= limit
        assert heard.messages == [f"{micro} examples go through the network at once, as the plan says; an update still has 64."]
        assert done.plan.confirmed is not None
        assert again.valid == done.plan.confirmed.valid

    @pytest.mark.slow
    def test_cut_or_whole_it_is_the_same_training(self, tmp_path: Path) -> None:
        machine = time_model(tmp_path)
        plans = []
        for limit in (20, 10**6):
            (tmp_path / str(limit)).mkdir()
            plans.append(tuned(limited(limit), tmp_path / str(limit), fixed=KNOBS | {"batch_size": 64}, time_model=machine).plan)
        cut, whole = plans
        assert cut.confirmed is not None
        assert whole.confirmed is not None
        assert whole.micro_batch_size is None
        assert cut.confirmed.valid == pytest.approx(whole.confirmed.valid, rel=1e-3)

    @pytest.mark.slow
    def test_with_the_batch_free_every_size_is_accumulated(self, tmp_path: Path) -> None:
        done = tuned(limited(20), tmp_path, time_model=time_model(tmp_path))
        assert done.plan.settings is not None
        assert done.plan.micro_batch_size in (8, 16)
        assert max(stored.run.spec.settings.batch_size for stored in done.stored()) > 20

    def test_a_resumed_study_keeps_what_was_measured(self, tmp_path: Path) -> None:
        machine = time_model(tmp_path)
        done = tuned(limited(20), tmp_path, fixed=KNOBS, time_model=machine)
        with Study.open(done.folder) as study:
            noted = study.notes[FIT_NOTE]
        seen: Seen = []
        again = tune(limited(20, seen=seen), out=done.folder, fixed=KNOBS, time_model=machine)
        with Study.open(done.folder) as study:
            assert study.notes[FIT_NOTE] == noted
        assert again == done.plan
        assert len(seen) <= 3  # of the check

    def test_memory_that_a_neighbour_took_meanwhile_is_found_out_and_halved(self, tmp_path: Path) -> None:
        """Measured where 80 fit, then only 40 are left: one sentence, nothing lost, and the same call goes on."""
        options = {"out": tmp_path / "study", "fixed": KNOBS | {"batch_size": 128}, "time_model": time_model(tmp_path)}
        with pytest.raises(KeyboardInterrupt):
            tune(limited(80, epochs=300), progress=Heard(interrupt_after=20), **options)  # type: ignore[arg-type]
        with pytest.raises(TaskError, match=r"64 at once went through when it was measured, but ran out in a run\. .* with at most 32 at once\.$"):
            tune(limited(40, epochs=300), **options)  # type: ignore[arg-type]
        assert tune(limited(40, epochs=300), **options).micro_batch_size == 32  # type: ignore[arg-type]

    def test_where_even_the_fewest_run_out_in_a_run_it_says_what_to_do(self, tmp_path: Path) -> None:
        class Picky(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = mlp()

            def forward(self, inputs: Tensor) -> Tensor:
                if self.training and bool((inputs > 3.5).any()):
                    raise torch.OutOfMemoryError("CUDA out of memory.")
                return self.inner(inputs)

        for _ in range(8):
            with pytest.raises(TaskError) as caught:
                tune(make_task(model=Picky), out=tmp_path / "study", fixed=KNOBS, time_model=time_model(tmp_path))
            if BAD_FIT not in str(caught.value) or "halved" in str(caught.value) or "fewest" in str(caught.value):
                break
        assert "The fewest examples that go through at once, 1, must fit" in str(caught.value)

    def test_the_users_own_micro_batch_is_not_second_guessed(self, tmp_path: Path) -> None:
        task = dataclasses.replace(limited(20), micro_batch_size=25)
        with pytest.raises(TaskError, match=r"Set Task\.micro_batch_size, or fix a smaller batch_size"):
            tune(task, out=tmp_path / "study", fixed=KNOBS | {"batch_size": 64}, time_model=time_model(tmp_path))

    @pytest.mark.slow
    def test_other_processes_cut_as_this_one_does(self, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text("from tests.recipe.test_fitting import limited\n\ndef task():\n    return limited(20)\n")
        machine = time_model(tmp_path)
        plans = [
            tune(limited(20), out=tmp_path / f"study-{workers}", workers=workers, reference=f"{tmp_path / 'mine.py'}:task", time_model=machine)
            for workers in (1, 2)
        ]
        assert plans[0].micro_batch_size == plans[1].micro_batch_size is not None
        first, second = ({key: value for key, value in plan.to_dict().items() if key != "cost"} for plan in plans)
        assert first == second


class TestLoader:
    def of(self, size: int, *, micro_batch_size: int | None = None) -> Task:
        inputs, labels = blobs(320)

        def batches(_size: int, _generator: torch.Generator) -> list[Batch]:
            return [(inputs[i : i + size], labels[i : i + size]) for i in range(0, 320 - size + 1, size)]

        return dataclasses.replace(make_task(train=batches, examples_per_epoch=320), micro_batch_size=micro_batch_size)

    def test_its_size_is_known(self) -> None:
        heeding = make_task(train=lambda size, _generator: iter([blobs(size)]), examples_per_epoch=320)
        assert [fixed_size_of(task, batch_size=None) for task in (make_task(), heeding, self.of(16, micro_batch_size=16))] == [None, None, 16]
        assert fixed_size_of(self.of(40), batch_size=40) == 40
        for size in (None, 32):
            with pytest.raises(TaskError, match="yields 40 whatever it is asked for"):
                fixed_size_of(self.of(40), batch_size=size)

    @pytest.mark.parametrize("size", [16, 40])
    def test_where_it_is_fixed_the_other_knobs_are_tuned(self, tmp_path: Path, size: int) -> None:
        machine = time_model(tmp_path, (size,))
        done = tuned(self.of(size), tmp_path, fixed={"batch_size": size}, time_model=machine)
        assert done.plan.settings is not None
        assert (done.plan.batch_size, done.plan.micro_batch_size) == (size, size)
        assert train(self.of(size), done.plan, out=tmp_path / "trained").valid

    def test_with_a_micro_batch_of_its_size_the_batch_is_tuned_in_multiples(self, tmp_path: Path) -> None:
        path = tmp_path / "machine.json"
        path.write_text(json.dumps({"version": 1, "seconds_per_step": {"20": 1e-3, "40": 1.1e-3, "80": 1.3e-3}}))
        done = tuned(dataclasses.replace(self.of(20, micro_batch_size=20), epochs=100), tmp_path, time_model=path)
        sizes = {stored.run.spec.settings.batch_size for stored in done.stored()}
        assert sizes <= {20, 40, 80}
        assert len(sizes) > 1

    def test_no_other_size_can_be_asked_for(self) -> None:
        task, fixed = self.of(16, micro_batch_size=16), Limits(fixed={"batch_size": 24}, bounds={})
        with pytest.raises(InputError, match=r"must be a multiple of 16, got 24\. Take one, such as 32\."):
            in_multiples([24], 16, task=task, limits=fixed)
        free = Limits(fixed={}, bounds={})
        assert in_multiples([24, 48], 16, task=dataclasses.replace(task, epochs=10**6), limits=free) == [32, 64, 16]
