import json
import math

import pytest

from tunesmith.finding import Finding


@pytest.mark.parametrize(
    ("interval", "stored"),
    [((0.5, math.inf), [0.5, None]), ((-math.inf, 2.0), [None, 2.0]), ((-math.inf, math.inf), [None, None]), ((1.0, 2.0), [1.0, 2.0]), (None, None)],
)
def test_an_open_interval_goes_through_standard_json(interval: tuple[float, float] | None, stored: list[float | None] | None) -> None:
    finding = Finding(kind="edge", value=1.0, interval=interval, confidence=0.8, evidence="One sweep.", not_established="Other lengths.")
    text = json.dumps(finding.to_dict(), allow_nan=False)
    assert json.loads(text)["interval"] == stored
    assert Finding.from_dict(json.loads(text)) == finding


def test_an_end_that_is_not_known_is_open() -> None:
    finding = Finding(kind="edge", interval=(math.nan, math.nan), confidence=0.8, evidence="", not_established="")
    assert Finding.from_dict(finding.to_dict()).interval == (-math.inf, math.inf)


@pytest.mark.parametrize(("confidence", "is_confident"), [(0.79, False), (0.8, True), (1.0, True)])
def test_confident_is_from_point_eight(confidence: float, *, is_confident: bool) -> None:
    assert Finding(kind="edge", confidence=confidence, evidence="", not_established="").is_confident is is_confident
