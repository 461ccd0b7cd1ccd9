import pytest
import torch
from tests.engine.small import make_spec, make_task, plain_net, rich_net, train_losses
from torch import nn

from tunesmith.engine import run_spec
from tunesmith.engine.ema import WeightAverage


def set_weight(model: nn.Linear, value: float) -> None:
    with torch.no_grad():
        model.weight.fill_(value)


def test_the_average_follows_by_a_decay_that_grows_in() -> None:
    model = nn.Linear(1, 1, bias=False)
    set_weight(model, 0.0)
    average, expected = WeightAverage(model, decay=0.5), 0.0
    for update in range(30):
        set_weight(model, float(update))
        average.update()
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * update
        with average.in_place_of_weights():
            assert model.weight.item() == pytest.approx(expected, rel=1e-5)
        assert model.weight.item() == update


def test_the_weights_come_back_after_an_exception() -> None:
    model = plain_net()
    average = WeightAverage(model, decay=0.9)
    before = list(model.parameters())
    values = [parameter.clone() for parameter in before]
    with pytest.raises(ValueError, match="boom"), average.in_place_of_weights():
        raise ValueError("boom")
    assert all(torch.equal(now, value) for now, value in zip(before, values, strict=True))


def test_without_a_decay_there_is_no_average() -> None:
    model = plain_net()
    average = WeightAverage(model, decay=None)
    average.update()
    data = [parameter.data_ptr() for parameter in model.parameters()]
    with average.in_place_of_weights():
        assert [parameter.data_ptr() for parameter in model.parameters()] == data


class TestRuns:
    def test_training_does_not_know_of_it(self) -> None:
        assert train_losses(make_task(model=rich_net, ema=0.9), evaluations=3) == train_losses(make_task(model=rich_net))

    def test_it_is_what_is_evaluated_and_kept(self) -> None:
        spec = make_spec(keeps_weights=True, evaluates_test=True)
        with_average, without = (run_spec(make_task(ema=ema), spec) for ema in (0.9, None))
        assert with_average.curve.valid_loss != without.curve.valid_loss
        assert with_average.weights is not None
        model = plain_net()
        model.load_state_dict(with_average.weights)
        task = make_task()
        with torch.no_grad():
            loss = nn.functional.cross_entropy(model(task.valid[0]), task.valid[1]).item()  # type: ignore[index]
        assert loss == pytest.approx(with_average.curve.valid_loss[-1], rel=1e-6)
