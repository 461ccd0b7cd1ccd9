"""The only code that trains. Inputs: a task and the order for a run. Outputs: curves. May not judge a curve beyond "this run is lost"."""

from tunesmith.engine.check import Checked, check_task
from tunesmith.engine.fit import Fit, find_fit, micro_batch_size
from tunesmith.engine.loop import RunResult, run_spec
from tunesmith.engine.timing import Timing, measure_steps

__all__ = ["Checked", "Fit", "RunResult", "Timing", "check_task", "find_fit", "measure_steps", "micro_batch_size", "run_spec"]
