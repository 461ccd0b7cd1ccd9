"""Everything done for one task, on disk: a SQLite store in a folder that resumes, and the ledger of cost. Imports no torch."""

from tunesmith.study.run_rows import StoredRun
from tunesmith.study.study import Study

__all__ = ["StoredRun", "Study"]
