import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tunesmith.errors import InputError, TaskError, UserCodeError
from tunesmith.task import Task
from tunesmith.task_file import load_task, load_tasks

Write: TypeAlias = Callable[..., str]
"""(text, name="train.py") → path of the file."""
GOOD = """
import torch
from torch import nn
from torch.nn import functional as F
import tunesmith as ts

def task():
    data = torch.zeros(8, 2), torch.zeros(8, dtype=torch.long)
    return ts.Task(model=lambda: nn.Linear(2, 2), train=data, valid=data, loss=F.cross_entropy, epochs=3)
"""


SERIES = """
def widths():
    return {}
"""


@pytest.fixture(autouse=True)
def _sys_path_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "train.py") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_function_in_a_file_gives_its_task(write: Write) -> None:
    task = load_task(f"{write(GOOD)}:task")
    assert isinstance(task, Task)
    assert task.epochs == 3


def test_a_relative_path_is_taken_from_the_current_folder(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(write(GOOD)).parent)
    assert load_task("train.py:task").n_train == 8


def test_a_file_that_changed_is_read_again_and_leaves_no_bytecode(write: Write, tmp_path: Path) -> None:
    reference = f"{write(GOOD)}:task"
    load_task(reference)
    write(GOOD.replace("epochs=3", "epochs=4"))
    assert load_task(reference).epochs == 4
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


def test_files_of_one_name_do_not_meet(write: Write, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, second = load_task(f"{write(GOOD)}:task"), load_task(f"{write(GOOD.replace('epochs=3', 'epochs=4'), 'other/train.py')}:task")
    assert (first.epochs, second.epochs) == (3, 4)
    assert first.model.__module__ != second.model.__module__


def test_a_class_of_the_file_can_be_pickled(write: Write) -> None:
    reference = write(
        "from dataclasses import dataclass\n@dataclass\nclass Width:\n    n: int = 3\n" + GOOD.replace("epochs=3", "epochs=3, conditions={'w': Width}")
    )
    made = load_task(f"{reference}:task").conditions["w"]()
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 (our own bytes)


def test_neighbours_are_importable_also_later_from_a_maker(write: Write) -> None:
    write("from torch import nn\ndef make():\n    return nn.Linear(2, 2)\n", "my_networks_of_this_test.py")
    late = GOOD.replace("model=lambda: nn.Linear(2, 2)", "model=make").replace(
        "def task", "def make():\n    import my_networks_of_this_test as m\n    return m.make()\n\ndef task"
    )
    assert load_task(f"{write(late)}:task").model().in_features == 2


@pytest.mark.parametrize("reference", ["train.py", "train.py:", ":task", "train.py:not a name", ""])
def test_what_is_not_file_and_function_is_refused_with_an_example(reference: str) -> None:
    with pytest.raises(InputError, match=r"FILE:FUNCTION.*train\.py:task"):
        load_task(reference)


def test_a_missing_file_names_its_neighbours(write: Write, tmp_path: Path) -> None:
    write(GOOD)
    with pytest.raises(InputError, match=r"does not\. Did you mean train\.py\?"):
        load_task(f"{tmp_path}/trian.py:task")
    with pytest.raises(InputError, match=r"does not\. Look at the path"):
        load_task(f"{tmp_path}/nowhere/train.py:task")
    with pytest.raises(InputError, match="is a folder"):
        load_task(f"{tmp_path}:task")


def test_only_python_files_are_executed(write: Write) -> None:
    with pytest.raises(InputError, match=r"Python file \(\.py\)"):
        load_task(f"{write(GOOD, 'train.txt')}:task")


def test_a_missing_function_names_those_that_are_there(write: Write) -> None:
    with pytest.raises(TaskError, match=r"define the function 'taks', and does not\. Did you mean task\?"):
        load_task(f"{write(GOOD)}:taks")
    with pytest.raises(TaskError, match=r"'zzz', and does not\. There is task\."):
        load_task(f"{write(GOOD)}:zzz")
    with pytest.raises(TaskError, match="defines no function at all"):
        load_task(f"{write('x = 1')}:task")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task = 3", "must be a function.*got int"),
        (GOOD + "\ntask = task()", "got the Task itself.*def task"),
        ("def task(): return {'epochs': 3}", r"must return a tunesmith\.Task, got dict"),
        ("def task(): pass", "got NoneType.*lack a `return`"),
        ("def task(width): pass", "no argument.*'width'"),
    ],
)
def test_what_makes_no_task_is_refused(write: Write, text: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load_task(f"{write(text)}:task")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("1 / 0", ZeroDivisionError),
        ("def task(:\n", SyntaxError),
        ("import no_such_module_anywhere", ModuleNotFoundError),
        ("import sys; sys.exit(2)", SystemExit),
        ("def task(): raise RuntimeError('two\\nlines')", RuntimeError),
        ("def task(): raise SystemExit", SystemExit),
    ],
)
def test_what_the_users_code_raises_comes_as_the_cause(write: Write, text: str, cause: type[BaseException]) -> None:
    with pytest.raises(UserCodeError, match=cause.__name__) as caught:
        load_task(f"{write(text)}:task")
    assert isinstance(caught.value.__cause__, cause)
    assert "\n" not in str(caught.value)


def test_a_file_that_failed_leaves_no_half_module(write: Write) -> None:
    before = set(sys.modules)
    with pytest.raises(UserCodeError):
        load_task(f"{write('1 / 0')}:task")
    assert set(sys.modules) == before


def test_a_task_with_contradicting_fields_is_bad_input_not_failed_code(write: Write) -> None:
    with pytest.raises(TaskError, match="exactly one of epochs= and steps="):
        load_task(f"{write(GOOD.replace('epochs=3', 'epochs=3, steps=5'))}:task")


def test_an_interrupt_goes_through(write: Write) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_task(f"{write('raise KeyboardInterrupt')}:task")


@pytest.mark.parametrize(("returned", "names"), [("{'a': task(), 'b': task()}", ["a", "b"]), ("[task(), task()]", None)])
def test_a_series_is_a_dict_or_a_list_of_tasks(write: Write, returned: str, names: list[str] | None) -> None:
    found = load_tasks(f"{write(GOOD + SERIES.format(returned))}:widths")
    assert len(found) == 2
    assert names is None or list(found) == names


def test_a_task_with_conditions_is_a_series_too(write: Write) -> None:
    text = GOOD.replace("epochs=3", "epochs=3, conditions={'wide': lambda: nn.Linear(2, 2)}")
    assert list(load_tasks(f"{write(text)}:task")) == ["as given", "wide"]


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("task()", "got a Task without conditions"),
        ("[]", "got none"),
        ("[task(), 3]", "got int"),
        ("{'a': None}", "got NoneType"),
        ("None", "got NoneType"),
    ],
)
def test_what_is_no_series_is_refused(write: Write, returned: str, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        load_tasks(f"{write(GOOD + SERIES.format(returned))}:widths")
