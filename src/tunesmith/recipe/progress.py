"""What a recipe tells about itself while it works: the forecast, and the protocol that a terminal, a notebook or a test fulfils. Nothing here prints."""

from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias, TypedDict

Range: TypeAlias = tuple[float, float]


class ForecastDict(TypedDict):
    """A Forecast as a JSON object."""

    search: list[float]
    total: list[float]
    seconds: list[float] | None
    stages: list[tuple[str, float, float]]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a study is going to cost, as ranges, before any of it is spent.

    Attributes:
        search: Cost of every probe before the plan, low to high, in full trainings.
        total: The same with the confirming runs and the user's current settings.
        seconds: Wall-clock seconds of `total` on this machine; None where nothing was timed.
        stages: Name, low and high of each stage, in order, in full trainings.

    Example:
        >>> forecast = Forecast(search=(0.5, 0.9), total=(1.5, 1.9), stages=(("lr_range", 0.1, 0.2),))
        >>> Forecast.from_dict(forecast.to_dict()) == forecast
        True
    """

    search: Range
    total: Range
    seconds: Range | None = None
    stages: tuple[tuple[str, float, float], ...] = ()

    def to_dict(self) -> ForecastDict:
        """A JSON object that `from_dict` turns back into an equal record."""
        return {
            "search": list(self.search),
            "total": list(self.total),
            "seconds": None if self.seconds is None else list(self.seconds),
            "stages": list(self.stages),
        }

    @classmethod
    def from_dict(cls, data: ForecastDict) -> Self:
        """The record that `to_dict` was called on."""
        seconds = data["seconds"]
        return cls(
            search=(data["search"][0], data["search"][1]),
            total=(data["total"][0], data["total"][1]),
            seconds=None if seconds is None else (seconds[0], seconds[1]),
            stages=tuple((name, low, high) for name, low, high in data["stages"]),
        )


class Progress(Protocol):
    """Hears what a recipe does. Calls are cheap and never change what is computed."""

    def forecast(self, forecast: Forecast) -> None:
        """What the study is going to cost; once, before anything is spent."""

    def stage(self, name: str, sentence: str) -> None:
        """A probe begins.

        Args:
            name: The probe's name, such as "lr_range".
            sentence: What it is about to do.
        """

    def run(self, *, label: str, step: int, total_steps: int, cost: float) -> None:
        """A run goes on; called often.

        Args:
            label: A few words for the run, such as "momentum .95".
            step: Updates applied so far.
            total_steps: Updates of the whole run.
            cost: What the study has spent so far, earlier sessions included, in full trainings.
        """

    def decided(self, sentence: str) -> None:
        """The recipe decided something because of what it read."""

    def message(self, sentence: str) -> None:
        """Anything else that the user should know."""


class SilentProgress:
    """A Progress that says nothing: the default of the Python interface."""

    def forecast(self, forecast: Forecast) -> None:
        """Nothing."""

    def stage(self, name: str, sentence: str) -> None:
        """Nothing."""

    def run(self, *, label: str, step: int, total_steps: int, cost: float) -> None:
        """Nothing."""

    def decided(self, sentence: str) -> None:
        """Nothing."""

    def message(self, sentence: str) -> None:
        """Nothing."""
