"""A small convolutional network on the 1,797 digits that ship inside tunesmith: SGD, the validation loss is level at the end."""

from tunesmith.demo_task import task

__all__ = ["task"]
