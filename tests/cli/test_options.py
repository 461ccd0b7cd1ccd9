import pytest

from tunesmith.cli.options import parse_bounds, parse_fixed
from tunesmith.errors import InputError


def test_fixed_knobs() -> None:
    assert parse_fixed(["lr=0.1", "batch_size = 64", "momentum=.9", "weight_decay=0", "epochs=3"]) == {
        "lr": 0.1, "batch_size": 64, "momentum": 0.9, "weight_decay": 0.0, "epochs": 3.0,
    }  # fmt: skip
    assert parse_fixed([]) == {}


def test_bounds() -> None:
    assert parse_bounds(["weight_decay=0:1e-3", "batch_size=32:128"]) == {"weight_decay": (0.0, 1e-3), "batch_size": (32, 128)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch_size", "must be KNOB=VALUE, got 'batch_size'"),
        ("=3", "must be KNOB=VALUE"),
        ("lr=", "must be KNOB=VALUE"),
        ("layers=3", "must name one of lr, batch_size, momentum, weight_decay, epochs, got 'layers'"),
        ("batch_size=6.5", "must be a whole number, got '6.5'"),
        ("batch_size=0", "batch_size must be a whole number ≥ 1, got 0"),
        ("lr=fast", "must be a number, got 'fast'"),
        ("lr=nan", "must be finite"),
        ("momentum=1.2", r"momentum must be in \[0, 1\), got 1.2"),
        ("weight_decay=-1", "weight_decay must be finite and ≥ 0"),
        ("epochs=0", "epochs must be finite and > 0"),
    ],
)
def test_what_cannot_be_fixed(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_fixed([text])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weight_decay=1e-3", "KNOB=LOW:HIGH, got 'weight_decay=1e-3'"),
        ("weight_decay=1:0", "LOW ≤ HIGH.*Write --bound weight_decay=0:1"),
        ("weight_decay=:1", "must be a number, got ''"),
        ("momentum=0.5:1", r"momentum must be in \[0, 1\)"),
        ("epochs=1:2", "must name one of"),
    ],
)
def test_what_cannot_be_a_bound(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_bounds([text])


def test_twice_is_refused() -> None:
    with pytest.raises(InputError, match="got lr twice"):
        parse_fixed(["lr=1", "lr=2"])
    with pytest.raises(InputError, match="got lr twice"):
        parse_bounds(["lr=1:2", "lr=2:3"])
