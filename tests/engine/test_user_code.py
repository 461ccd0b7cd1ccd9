import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.engine.user_code import user_code
from tunesmith.errors import CurveError, TaskError, UserCodeError
from tunesmith.settings import RunSpec, Settings

SPEC = RunSpec(settings=Settings(lr=0.5, batch_size=48), total_steps=1, seed=7)


def test_code_of_the_users_own() -> None:
    with pytest.raises(UserCodeError, match=r"raised ValueError: first line \(settings Settings\(lr=0\.5,.*\), seed 7\)") as caught, user_code(SPEC):
        raise ValueError("first line\nsecond line")
    assert isinstance(caught.value.__cause__, ValueError)


def test_an_exception_without_words() -> None:
    with pytest.raises(UserCodeError, match="raised AssertionError: no message"), user_code():
        raise AssertionError


def test_memory_that_runs_out_names_the_batch() -> None:
    with pytest.raises(TaskError, match=r"^A batch of 48 must fit into the device's memory"), user_code(SPEC):
        raise torch.OutOfMemoryError
    with pytest.raises(TaskError, match=r"^A batch must fit"), user_code():
        raise torch.OutOfMemoryError


def test_one_example_is_too_few_for_batch_norm_whoever_calls_torch() -> None:
    def step() -> None:
        nn.BatchNorm1d(3)(torch.ones(1, 3))

    with pytest.raises(TaskError, match=r"^With BatchNorm, a batch must have two examples or more, got one\. Raise batch_size"), user_code(SPEC):
        step()


def test_torch_called_by_the_users_code_is_the_users() -> None:
    with pytest.raises(UserCodeError, match="raised RuntimeError"), user_code():
        F.cross_entropy(torch.ones(2, 3), torch.ones(2, 7))


def test_what_tunesmith_says_is_said_as_it_is() -> None:
    with pytest.raises(CurveError, match=r"^as it is$"), user_code(SPEC):
        raise CurveError("as it is")


def test_ctrl_c_is_no_error() -> None:
    with pytest.raises(KeyboardInterrupt), user_code(SPEC):
        raise KeyboardInterrupt
