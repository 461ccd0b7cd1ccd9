"""What works inside a script that trains already: on the user's own network, optimizer and loaders, all of which come back bit for bit.

The only place outside `engine` that updates weights, and the only one that is handed objects instead of makers.
"""

from tunesmith.in_script.lr_range_test import lr_range_test
from tunesmith.in_script.preserve import preserve
from tunesmith.in_script.result import LrRangeTest

__all__ = ["LrRangeTest", "lr_range_test", "preserve"]
