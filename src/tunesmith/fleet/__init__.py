"""Where runs execute. An executor turns orders for runs into runs, in the order given; it judges nothing and stores nothing."""

from tunesmith.fleet.here import Execute, execute_here
from tunesmith.fleet.processes import Processes
from tunesmith.fleet.task_source import TaskChanges, TaskSource

__all__ = ["Execute", "Processes", "TaskChanges", "TaskSource", "execute_here"]
