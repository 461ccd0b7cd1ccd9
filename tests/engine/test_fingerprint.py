import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith import demo_task
from tunesmith.engine import check_task
from tunesmith.engine.fingerprint import digest
from tunesmith.optimizers import ParamGroups


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.zeros(2), torch.zeros(2, 1)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
        (torch.zeros(2), -torch.zeros(2)),
        ({"a": torch.zeros(2)}, {"b": torch.zeros(2)}),
        ([torch.zeros(1), torch.ones(1)], [torch.ones(1), torch.zeros(1)]),
        (("a", 1), ("a", 2)),
        (True, None),
    ],
)
def test_what_differs_has_another_digest(one: object, other: object) -> None:
    assert digest(one) != digest(other)


def test_the_way_it_lies_in_memory_does_not_matter() -> None:
    table = torch.arange(6.0).reshape(2, 3)
    assert digest(table.T) == digest(table.T.contiguous())


def test_narrow_types_have_a_digest() -> None:
    assert digest(torch.ones(3, dtype=torch.bfloat16)) != digest(torch.zeros(3, dtype=torch.bfloat16))


def test_objects_that_are_no_data_are_passed_over() -> None:
    assert digest([object(), 1]) == digest([object(), 1])


def test_other_parameter_groups_or_another_loss_make_another_task() -> None:
    task = demo_task.task()

    def all_decay(model: nn.Module) -> ParamGroups:
        return [{"params": list(model.parameters())}]

    def steeper(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return 5 * F.cross_entropy(output, target)

    changed = [task, dataclasses.replace(task, param_groups=all_decay), dataclasses.replace(task, loss=steeper)]
    changed += [dataclasses.replace(task, schedule="triangular", cycles=cycles) for cycles in (None, 3)]
    assert len({check_task(each).fingerprint for each in changed}) == len(changed)
    assert check_task(demo_task.task()).fingerprint == check_task(task).fingerprint
