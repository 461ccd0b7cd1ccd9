"""Where runs execute. An executor turns orders for runs into runs, in the order given; it judges nothing and stores nothing."""

from tunesmith.fleet.here import Execute, execute_here

__all__ = ["Execute", "execute_here"]
