"""Every file in `examples/` describes a valid task: documented, deterministic under a seed, with disjoint splits, and trainable."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tunesmith.demo_task import task as demo_task
from tunesmith.engine.steps import evaluation_step, training_step
from tunesmith.errors import InputError
from tunesmith.settings import Settings
from tunesmith.task import Data, Task
from tunesmith.task_file import load_task

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*_*.py"))
NEED_DATA = [name for name in NAMES if name != "digits_cnn"]
ON_TENSORS = [name for name in NAMES if name != "shakespeare_transformer"]
MOST_LINES = 80
TWICE_IN_THE_CENSUS = 57
"""Rows of Adult that repeat another row in all columns but the target; every other data set has none."""


def load(name: str) -> Task:
    """The example's task, or a skip that says what is missing."""
    if name in NEED_DATA and not os.environ.get("TUNESMITH_DATA"):
        pytest.skip(f"examples/{name}.py needs its data: TUNESMITH_DATA is unset.")
    return load_task(f"{EXAMPLES / name}.py:task")


@pytest.fixture(scope="module", params=NAMES)
def named_task(request: pytest.FixtureRequest) -> tuple[str, Task]:
    """Name and task, made once a module."""
    return request.param, load(request.param)


@pytest.fixture
def task(named_task: tuple[str, Task]) -> Task:
    """The task alone."""
    return named_task[1]


def batches_of(data: Data | None, seed: int) -> Iterable[tuple[Tensor, ...]]:
    """Batches of 64: of tensors the first, of a maker all of one pass."""
    if isinstance(data, tuple):
        return [tuple(part[:64] for part in data)]
    assert callable(data)
    return data(64, torch.Generator().manual_seed(seed))


def first_batch(data: Data | None, seed: int = 0) -> tuple[Tensor, ...]:
    return next(iter(batches_of(data, seed)))


@pytest.mark.parametrize("name", NAMES)
def test_is_short_and_says_what_to_type(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text()
    docstring = text.split('"""')[1]
    assert len(text.splitlines()) <= MOST_LINES
    assert f"tunesmith tune examples/{name}.py:task --out " in docstring
    assert ("TUNESMITH_DATA" in docstring) == (name in NEED_DATA)


@pytest.mark.parametrize("name", NEED_DATA)
def test_says_in_one_sentence_that_the_data_folder_is_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNESMITH_DATA", raising=False)
    with pytest.raises(InputError, match=r"^TUNESMITH_DATA must name the folder that holds .*, and it is unset: export TUNESMITH_DATA=") as caught:
        load_task(f"{EXAMPLES / name}.py:task")
    assert "\n" not in str(caught.value)


def test_decides_by_the_loss_from_the_usual_untuned_start(task: Task) -> None:
    start = {"sgd": Settings(lr=0.01, momentum=0.9, schedule="constant"), "adamw": Settings(lr=1e-3, momentum=0.9, weight_decay=0.01, schedule="constant")}
    assert task.goal == "loss"
    assert task.test is not None
    assert task.current == start[task.optimizer_name]
    assert task.reference_batch_size == 64


def test_is_as_large_as_the_readme_says(named_task: tuple[str, Task]) -> None:
    name, task = named_task
    row = next(line for line in (EXAMPLES / "README.md").read_text().splitlines() if line.startswith(f"| `{name}.py`"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    n_valid, n_test = (sum(len(batch[0]) for batch in batches_of(data, 0)) if callable(data) else len(data[0]) for data in (task.valid, task.test))
    assert cells[2].endswith(f" {sum(parameter.numel() for parameter in task.model().parameters()):,}" + (" parameters" if name == "digits_cnn" else ""))
    assert cells[4:6] == [f"{task.n_train:,}", f"{n_valid:,}, {n_test:,}"]
    assert cells[6] == (f"{task.epochs} epochs" if task.epochs else f"{task.steps} steps")
    assert cells[7] == f"{task.steps_at(64):,}"


def test_a_seed_fixes_the_network_and_another_seed_changes_it(task: Task) -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(torch.cat([parameter.detach().flatten() for parameter in task.model().parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_the_data_is_the_same_each_time(named_task: tuple[str, Task]) -> None:
    name, task = named_task
    again = load(name)
    for data, other in ((task.train, again.train), (task.valid, again.valid), (task.test, again.test)):
        assert all(torch.equal(part, same) for part, same in zip(first_batch(data), first_batch(other), strict=True))


def test_a_maker_draws_from_its_generator_for_training_alone() -> None:
    task = load("shakespeare_transformer")
    assert torch.equal(first_batch(task.train, seed=1)[0], first_batch(task.train, seed=1)[0])
    assert not torch.equal(first_batch(task.train, seed=1)[0], first_batch(task.train, seed=2)[0])
    assert torch.equal(first_batch(task.valid, seed=1)[0], first_batch(task.valid, seed=2)[0])


def distinct_rows(inputs: Tensor) -> int:
    rows = np.ascontiguousarray(inputs.flatten(1).numpy())
    return len(np.unique(rows.view([("", np.void, rows.shape[1] * rows.itemsize)])))


@pytest.mark.parametrize("name", ON_TENSORS)
def test_no_example_is_in_two_splits(name: str) -> None:
    task = load(name)
    splits = [data[0] for data in (task.train, task.valid, task.test) if isinstance(data, tuple)]
    together = torch.cat(splits)
    assert len(splits) == 3
    assert len(together) - distinct_rows(together) <= (TWICE_IN_THE_CENSUS if name == "adult_mlp" else 0)


def test_no_piece_of_text_is_in_two_splits() -> None:
    task = load("shakespeare_transformer")
    text = (Path(os.environ["TUNESMITH_DATA"]) / "text" / "tinyshakespeare.txt").read_bytes()
    alphabet = bytes(sorted(set(text)))

    def read(codes: Tensor) -> bytes:
        return bytes(alphabet[code] for code in codes.flatten().tolist())

    borders = [0, int(0.9 * len(text)), int(0.95 * len(text)), len(text)]
    assert all(read(piece) in text[: borders[1]] for piece in first_batch(task.train)[0])
    for data, start, end in ((task.valid, borders[1], borders[2]), (task.test, borders[2], borders[3])):
        whole = read(torch.cat([inputs for inputs, _ in batches_of(data, 0)]))
        assert text[start:end].startswith(whole)


def test_one_update_and_one_evaluation_are_finite(task: Task) -> None:
    torch.manual_seed(0)
    model = task.model()
    loss = training_step(task)(model, first_batch(task.train))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(parameter.grad is not None and torch.isfinite(parameter.grad).all() for parameter in model.parameters())
    with torch.no_grad():
        sums = evaluation_step(task)(model.eval(), first_batch(task.valid))
    assert sums.keys() == {"loss", *task.metrics}
    assert all(np.isfinite(float(total)) and float(count) > 0 for total, count in sums.values())


def test_the_digits_example_is_the_demo() -> None:
    example, demo = load("digits_cnn"), demo_task()
    assert example.current == demo.current
    assert torch.equal(first_batch(example.train)[0], first_batch(demo.train)[0])
