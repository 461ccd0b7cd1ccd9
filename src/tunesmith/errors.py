"""Every exception that tunesmith raises on purpose, as one tree.

    TunesmithError
    ├── InputError          what was given cannot be used; the command line exits with 2
    │   ├── TaskError       a task, its data or its makers
    │   ├── StudyError      a study's folder
    │   ├── CurveError      a recorded curve
    │   └── BudgetError     a budget or a number of steps too small for what was asked
    └── UserCodeError       the task's own code raised; the command line exits with 3 and shows its traceback

A run that diverges, a loss that stays flat or a budget that is spent are not errors: they are outcomes on the record.
A message says what must hold, what was given, where, and what to do.
"""


class TunesmithError(Exception):
    """Root of everything that tunesmith raises on purpose."""


class InputError(TunesmithError, ValueError):
    """What was given cannot be used."""


class TaskError(InputError):
    """A task, its data or its makers cannot be trained as given."""


class StudyError(InputError):
    """A study's folder cannot be used as given."""


class CurveError(InputError):
    """A recorded curve cannot be read as given."""


class BudgetError(InputError):
    """A budget or a number of steps is too small for what was asked."""


class UserCodeError(TunesmithError):
    """The task's own code raised; `__cause__` is what it raised."""
