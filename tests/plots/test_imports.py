"""What drawing loads, in a fresh interpreter."""

import subprocess
import sys

DRAW = """
import sys
import tunesmith.plots
import tunesmith.plots.digits
early = [name for name in ("numpy", "matplotlib") if name in sys.modules]
from tunesmith.settings import Settings
tunesmith.plots.plot_schedule(Settings(), 10)
late = [name for name in ("matplotlib.pyplot", "torch", "pydantic", "plotly") if name in sys.modules]
print(early, late, "matplotlib" in sys.modules)
"""


def test_matplotlib_is_loaded_only_to_draw_and_pyplot_never() -> None:
    done = subprocess.run([sys.executable, "-c", DRAW], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] [] True"
