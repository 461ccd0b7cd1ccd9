"""The ledger of a study's cost: what its runs cost, and what was spent outside runs."""

import sqlite3

from tunesmith.cost import Cost
from tunesmith.errors import StudyError
from tunesmith.plan import StudyCost

PURPOSES = ("search", "confirm", "baseline")
"""The accounts of `StudyCost`."""

INSERT = "INSERT OR REPLACE INTO charge(name, purpose, trained_examples, evaluated_examples, seconds) VALUES (?, ?, ?, ?, ?)"
SELECT = """
SELECT purpose, trained_examples, evaluated_examples, seconds FROM run
UNION ALL SELECT purpose, trained_examples, evaluated_examples, seconds FROM charge
"""


def check_purpose(purpose: str) -> None:
    """Refuse an account that `StudyCost` does not have."""
    if purpose not in PURPOSES:
        raise StudyError(f"A cost's purpose must be one of {', '.join(PURPOSES)}, got {purpose!r}. Pass the one that it was spent for.")


def insert_charge(connection: sqlite3.Connection, cost: Cost, *, name: str, purpose: str) -> None:
    """Write what was spent outside runs; to be called in a transaction."""
    connection.execute(INSERT, (name, purpose, cost.trained_examples, cost.evaluated_examples, cost.seconds))


def select_cost(connection: sqlite3.Connection, *, full_training_examples: float) -> StudyCost:
    """All that was spent, by purpose, in full trainings."""
    totals = dict.fromkeys(PURPOSES, Cost())
    for purpose, trained, evaluated, seconds in connection.execute(SELECT):
        totals[purpose] += Cost(trained_examples=int(trained), evaluated_examples=int(evaluated), seconds=float(seconds))
    search, confirm, baseline = (totals[purpose].full_trainings(full_training_examples=full_training_examples) for purpose in PURPOSES)
    return StudyCost(search=search, confirm=confirm, baseline=baseline, seconds=sum(total.seconds for total in totals.values()))
