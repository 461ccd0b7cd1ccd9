"""What a plan becomes at another total batch size, how sure that is, and which probe to repeat: arithmetic on a plan and its study's findings, never training.

The learning rate follows the total batch size. How the total is spread over devices and micro-batches is plumbing, but for BatchNorm, whose statistics come
from what goes through the network at once.
"""

from tunesmith.rescaling.rescale import rescale
from tunesmith.rescaling.rescaled import Change, Rescaled, RescaleOutcome, Split

__all__ = ["Change", "RescaleOutcome", "Rescaled", "Split", "rescale"]
