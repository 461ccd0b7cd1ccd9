"""Training logs of other tools → `TrainingLog`. Every read is data: nothing is unpickled or executed.

Each format has a module that gives a `Table`, and nothing more; `names` guesses what its columns are, `order` puts rows in order and tells runs apart,
`assemble` makes the record.
"""

from tunesmith.integrations.logs.columns import from_columns
from tunesmith.integrations.logs.read import read_log

__all__ = ["from_columns", "read_log"]
