"""The demo's task: small enough for a minute, and split without overlap. That it trains is tested with the engine."""

import torch

from tunesmith.demo_task import make_model, task


def test_splits_the_digits_into_three_parts_without_overlap() -> None:
    demo = task()
    parts = [data[0] for data in (demo.train, demo.valid, demo.test) if isinstance(data, tuple)]
    assert [len(part) for part in parts] == [1000, 400, 397]
    assert len(torch.cat(parts).flatten(1).unique(dim=0)) == 1797


def test_every_part_holds_all_ten_digits_and_the_training_part_is_standardised() -> None:
    demo = task()
    for data in (demo.train, demo.valid, demo.test):
        assert isinstance(data, tuple)
        assert data[1].unique().tolist() == list(range(10))
    inputs = demo.train[0]  # type: ignore[index]
    torch.testing.assert_close((inputs.mean(), inputs.std()), (torch.tensor(0.0), torch.tensor(1.0)), atol=1e-5, rtol=0)


def test_the_network_has_the_documented_size() -> None:
    assert sum(parameter.numel() for parameter in make_model().parameters()) == 25_866
