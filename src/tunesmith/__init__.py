"""tunesmith tunes learning rate, total batch size, momentum and weight decay of a PyTorch network, and shows why.

`Task → probe → Curve → reading → Finding → recipe → Plan → report`

Every public name is here and is loaded when it is first used, so that `import tunesmith` costs nothing and reading a study needs no torch.

Example:
    >>> import tunesmith as ts
    >>> ts.Settings(lr=0.5, momentum=0.95, min_momentum=0.85).resolved_min_lr
    0.05
    >>> schedule = ts.schedules.constant(max_lr=0.1, total_steps=100)
    >>> schedule(0)
    0.1
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunesmith import probes, schedules
    from tunesmith.cost import Cost
    from tunesmith.curve import Curve, GradientSample, Run, RunOutcome
    from tunesmith.diagnosis import CurveDiagnosis, Diagnosis, NotRead, Outlook, OutlookOutcome, PairOutlook
    from tunesmith.errors import BudgetError, CurveError, InputError, StudyError, TaskError, TunesmithError, UserCodeError
    from tunesmith.experiment import Arm, Experiment, SizeTimes
    from tunesmith.finding import Finding
    from tunesmith.in_script import LrRangeTest, lr_range_test, preserve
    from tunesmith.integrations.diagnose import diagnose
    from tunesmith.log import Series, StepUnit, TrainingLog
    from tunesmith.plan import Plan, StudyCost, StudyOutcome, Trained
    from tunesmith.plots import plot
    from tunesmith.reading import (
        BatchSizeReading,
        BatchSizeValue,
        CapacityReading,
        Comparison,
        ConditionsReading,
        KnobReading,
        KnobValue,
        LadderReading,
        MinLrReading,
        NoiseScale,
        RangeReading,
        read,
        read_range_test,
    )
    from tunesmith.recipe import train, tune
    from tunesmith.settings import RunKind, RunSpec, Settings
    from tunesmith.study import Study
    from tunesmith.task import Metric, Task

__version__ = "0.1.0.dev0"

__all__ = [
    "Arm",
    "BatchSizeReading",
    "BatchSizeValue",
    "BudgetError",
    "CapacityReading",
    "Comparison",
    "ConditionsReading",
    "Cost",
    "Curve",
    "CurveDiagnosis",
    "CurveError",
    "Diagnosis",
    "Experiment",
    "Finding",
    "GradientSample",
    "InputError",
    "KnobReading",
    "KnobValue",
    "LadderReading",
    "LrRangeTest",
    "Metric",
    "MinLrReading",
    "NoiseScale",
    "NotRead",
    "Outlook",
    "OutlookOutcome",
    "PairOutlook",
    "Plan",
    "RangeReading",
    "Run",
    "RunKind",
    "RunOutcome",
    "RunSpec",
    "Series",
    "Settings",
    "SizeTimes",
    "StepUnit",
    "Study",
    "StudyCost",
    "StudyError",
    "StudyOutcome",
    "Task",
    "TaskError",
    "Trained",
    "TrainingLog",
    "TunesmithError",
    "UserCodeError",
    "diagnose",
    "lr_range_test",
    "plot",
    "preserve",
    "probes",
    "read",
    "read_range_test",
    "schedules",
    "train",
    "tune",
]

_MODULES = ("probes", "schedules")
_HOMES = {
    "tunesmith.cost": ("Cost",),
    "tunesmith.curve": ("Curve", "GradientSample", "Run", "RunOutcome"),
    "tunesmith.diagnosis": ("CurveDiagnosis", "Diagnosis", "NotRead", "Outlook", "OutlookOutcome", "PairOutlook"),
    "tunesmith.errors": ("BudgetError", "CurveError", "InputError", "StudyError", "TaskError", "TunesmithError", "UserCodeError"),
    "tunesmith.experiment": ("Arm", "Experiment", "SizeTimes"),
    "tunesmith.finding": ("Finding",),
    "tunesmith.in_script": ("LrRangeTest", "lr_range_test", "preserve"),
    "tunesmith.integrations.diagnose": ("diagnose",),
    "tunesmith.log": ("Series", "StepUnit", "TrainingLog"),
    "tunesmith.plan": ("Plan", "StudyCost", "StudyOutcome", "Trained"),
    "tunesmith.plots": ("plot",),
    "tunesmith.reading": (
        "BatchSizeReading",
        "BatchSizeValue",
        "CapacityReading",
        "Comparison",
        "ConditionsReading",
        "KnobReading",
        "KnobValue",
        "LadderReading",
        "MinLrReading",
        "NoiseScale",
        "RangeReading",
        "read",
        "read_range_test",
    ),
    "tunesmith.recipe": ("train", "tune"),
    "tunesmith.settings": ("RunKind", "RunSpec", "Settings"),
    "tunesmith.study": ("Study",),
    "tunesmith.task": ("Metric", "Task"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # so that a checker still objects to a name that is not there

    def __getattr__(name: str) -> object:
        """The public name, loaded now and kept."""
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
