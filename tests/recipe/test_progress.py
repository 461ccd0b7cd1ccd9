import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.recipe.progress import Forecast, Progress, SilentProgress

numbers = st.floats(min_value=0, max_value=1e6)
ranges = st.tuples(numbers, numbers)


stages = st.lists(st.tuples(st.text(), numbers, numbers)).map(tuple)


@given(st.builds(Forecast, search=ranges, total=ranges, seconds=st.none() | ranges, stages=stages))
def test_a_forecast_survives_a_round_trip(forecast: Forecast) -> None:
    assert Forecast.from_dict(json.loads(json.dumps(forecast.to_dict()))) == forecast


def test_silent_progress_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    progress: Progress = SilentProgress()
    progress.forecast(Forecast(search=(0, 1), total=(1, 2)))
    progress.stage("lr_range", "Sweeping.")
    progress.run(label="sweep", step=1, total_steps=2, cost=0.1)
    progress.decided("Took .5.")
    progress.message("Done.")
    assert capfd.readouterr() == ("", "")
