"""The sentences that the command line makes itself, from records: forecast, pace, what one probe found, what a training reached."""

import statistics
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tunesmith.plots.digits import interval_text, number_text, seconds_text, trainings_text
from tunesmith.settings import Json

if TYPE_CHECKING:
    from tunesmith.plan import Trained
    from tunesmith.recipe.progress import Forecast

GIGA = 1e9
SETTLED_SECONDS = 2.0
"""Before this much time a pace is noise (our choice)."""


def forecast_text(forecast: "Forecast", *, with_stages: bool) -> str:
    """What the study is going to cost.

    Example:
        >>> from tunesmith.recipe.progress import Forecast
        >>> print(forecast_text(Forecast(search=(0.5, 0.9), total=(1.5, 1.9), seconds=(30, 45)), with_stages=False))
        Forecast: the search costs 0.50 to 0.90 full trainings, everything 1.50 to 1.90, in about 30.0 s to 45.0 s.
    """
    search, total = (" to ".join(trainings_text(end) for end in ends) for ends in (forecast.search, forecast.total))
    seconds = "" if forecast.seconds is None else f", in about {seconds_text(forecast.seconds[0])} to {seconds_text(forecast.seconds[1])}"
    lines = [f"Forecast: the search costs {search} full trainings, everything {total}{seconds}."]
    if with_stages:
        lines += [f"  {name}: {trainings_text(low)} to {trainings_text(high)}" for name, low, high in forecast.stages]
    return "\n".join(lines)


class Pace:
    """How long a study is going to take, from how fast it has spent so far.

    Args:
        clock: () → seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._total: tuple[float, float] | None = None
        self._begin: tuple[float, float] | None = None

    def expect(self, total: tuple[float, float]) -> None:
        """Takes the forecast of the whole cost, low to high."""
        self._total = total

    def seconds_left(self, cost: float) -> float | None:
        """Seconds until the study has ended; None while nothing can be said. The first call sets what earlier sessions had spent.

        Args:
            cost: What the study has spent so far, in full trainings.
        """
        now = self._clock()
        if self._begin is None:
            self._begin = (now, cost)
        elapsed, spent = now - self._begin[0], cost - self._begin[1]
        if self._total is None or elapsed < SETTLED_SECONDS or spent <= 0:
            return None
        low, high = self._total
        middle = (low + high) / 2
        left = (middle if cost < middle else high) - cost
        return elapsed / spent * left if left > 0 else None


def run_text(*, label: str, step: int, total_steps: int, cost: float, seconds_left: float | None) -> str:
    """Where a run stands.

    Example:
        >>> run_text(label="momentum .95", step=120, total_steps=400, cost=0.42, seconds_left=35.2)
        'momentum .95 · step 120/400 · 0.42 full trainings so far · about 35 s left'
    """
    left = "" if seconds_left is None else f" · about {_rough_seconds(seconds_left)} left"
    return f"{label} · step {step}/{total_steps} · {trainings_text(cost)} full trainings so far{left}"


def _rough_seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else seconds_text(seconds)  # noqa: PLR2004 (as seconds_text)


def result_text(document: dict[str, Json]) -> str:
    """What one probe found, from its JSON object.

    Example:
        >>> print(result_text({"version": 1, "outcome": "found", "suggestion": 0.5, "zone": [0.4, 0.8], "findings": [], "advice": ["Use 0.5."]}))
        Outcome     found
        Suggestion  0.5
        Zone        0.4 to 0.8
        Advice: Use 0.5.
    """
    tables = {name: list(_objects(value)) for name, value in document.items() if name != "findings"}
    shown = {name: value for name, value in document.items() if name not in ("version", "findings", "advice") and not tables.get(name)}
    width = max((len(name) for name in shown), default=0)
    lines = [f"{name.replace('_', ' ').capitalize():{width}}  {_TOLD.get(name, _value_text)(value)}" for name, value in shown.items()]
    lines += [line for name, rows in tables.items() if rows for line in _table(name, rows)]
    lines += [_finding_text(finding) for finding in _objects(document.get("findings"))]
    advice = document.get("advice")
    lines += [f"Advice: {sentence}" for sentence in (advice if isinstance(advice, list) else [advice]) if sentence]
    return "\n".join(lines)


def _table(name: str, rows: list[dict[str, Json]]) -> list[str]:
    """Objects as rows under their names, or under what their first value is, in the order given."""
    heads = [key for key in rows[0] if key != "label"]
    cells = [[name.capitalize(), *(head.replace("_", " ") for head in heads)]]
    cells += [[str(row.get("label", "")), *(_cell_text(head, row.get(head)) for head in heads)] for row in rows]
    if "label" not in rows[0]:
        cells = [[row[1].capitalize(), *row[2:]] for row in cells]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cell_text(head: str, value: Json) -> str:
    """Two numbers are a range, but two seeds are not."""
    return ", ".join(_value_text(item) for item in value) if head == "losses" and isinstance(value, list) and value else _value_text(value)


def _value_text(value: Json) -> str:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return number_text(value)
    if isinstance(value, list):
        numbers = [item for item in value if isinstance(item, (int, float))]
        is_range = len(numbers) == len(value) == 2  # noqa: PLR2004 (low, high)
        if len(value) == 2 and len(numbers) == 1 and value[1] is None:  # noqa: PLR2004 (an open end)
            return f"{number_text(numbers[0])} or more"
        return interval_text((numbers[0], numbers[1]), digits=3) if is_range else ", ".join(_value_text(item) for item in value) or number_text(None)
    return _parts_text(value) if isinstance(value, dict) else str(value)


def _parts_text(value: dict[str, Json]) -> str:
    """Names and their values; a value with its interval as these alone."""
    if set(value) == {"value", "interval"}:
        interval = _value_text(value["interval"])
        return interval if value["value"] is None else f"{_value_text(value['value'])} ({interval})"
    return ", ".join(f"{name.replace('_', ' ')} {_value_text(item)}" for name, item in value.items()) or number_text(None)


def _fits_text(value: Json) -> str:
    """How many examples go through the network at once, and what limits them.

    Example:
        >>> _fits_text({"at_once": 64, "is_limited_by_memory": False, "limit_bytes": 10**10})
        '64 at once, the most that was asked for'
        >>> _fits_text({"at_once": 48, "is_limited_by_memory": True, "limit_bytes": 10**10})
        '48 at once: more would not leave a margin in 10 GB of memory'
    """
    if not isinstance(value, dict):
        return _value_text(value)
    limit = value.get("limit_bytes")
    if not value.get("is_limited_by_memory") or not isinstance(limit, (int, float)):
        return f"{_value_text(value.get('at_once'))} at once, the most that was asked for"
    return f"{_value_text(value.get('at_once'))} at once: more would not leave a margin in {number_text(float(f'{limit / GIGA:.3g}'))} GB of memory"


def _micro_text(value: Json) -> str:
    return "the whole batch" if value is None else _value_text(value)


_TOLD: dict[str, Callable[[Json], str]] = {"fits": _fits_text, "micro_batch_size": _micro_text}
"""What is not told as any other value is."""


def _objects(value: Json) -> Iterable[dict[str, Json]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _finding_text(finding: dict[str, Json]) -> str:
    value = "" if finding.get("value") is None else f" {_value_text(finding['value'])}"
    interval = "" if finding.get("interval") is None else f" ({_value_text(finding['interval'])})"
    confidence = _value_text(finding.get("confidence"))
    doubt = f" Not established: {finding['not_established']}" if finding.get("not_established") else ""
    action = f" {finding['action']}" if finding.get("action") else ""
    return f"- {str(finding.get('kind')).replace('_', ' ')}{value}{interval}, confidence {confidence}: {finding.get('evidence')}{doubt}{action}"


def trained_text(trained: "Trained", *, goal: str) -> str:
    """What a training reached, over its seeds.

    Example:
        >>> from tunesmith.plan import Trained
        >>> print(trained_text(Trained(valid=(0.2, 0.3), test=None, seeds=(1, 2)), goal="loss"))
        Validation loss  0.25 ± 0.0707 (mean and standard deviation of 2 seeds: 0.2, 0.3)
    """
    rows = [("Validation", trained.valid)] + ([("Test", trained.test)] if trained.test is not None else [])
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}} {goal}  {_values_text(values)}" for name, values in rows)


def _values_text(values: tuple[float, ...]) -> str:
    if len(values) == 1:
        return f"{number_text(values[0])} (1 seed)"
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    each = ", ".join(number_text(value) for value in values)
    return f"{number_text(mean)} ± {number_text(spread)} (mean and standard deviation of {len(values)} seeds: {each})"
