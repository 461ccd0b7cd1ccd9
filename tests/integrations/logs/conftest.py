"""The trainings are programs that a test starts, not modules with tests."""

collect_ignore = ["trainings"]
