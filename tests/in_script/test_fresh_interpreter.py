"""What a range test does to the world outside, asked of a fresh interpreter: it writes no file, loads no matplotlib, opens no window."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
import tunesmith as ts

written = []
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "sqlite3.connect", "tempfile.mkstemp", "tempfile.mkdtemp"}

def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and arguments[0] != os.devnull:
        written.append(str(arguments[0]))
    elif event in CHANGES:
        written.append(event)

torch.manual_seed(0)
inputs = torch.randn(256, 8)
data = TensorDataset(inputs, inputs.sum(dim=1, keepdim=True))
model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
sys.addaudithook(watch)
result = ts.lr_range_test(
    model, optimizer, nn.functional.mse_loss, DataLoader(data, 32, shuffle=True), DataLoader(data, 64),
    start_lr=0.0, end_lr=4.0, steps=100, repeats=2, compare_steps=50,
)
result.apply(optimizer)
document = result.to_dict()
print(result.outcome, result.suggestion() > 0, written, "matplotlib" in sys.modules)
if sys.argv[1:] == ["plot"]:
    ax = result.plot()
    print(type(ax).__name__, "matplotlib.pyplot" in sys.modules, "_tkinter" in sys.modules)
"""


def run(*arguments: str, folder: Path) -> list[str]:
    """The lines that the script prints; without a display, without bytecode, in a folder that nobody may write to."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"}}
    folder.chmod(0o555)  # the administrator writes all the same: so the script watches too
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", SCRIPT, *arguments],
        cwd=folder, env={**environment, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(folder.iterdir()) == []
    return done.stdout.splitlines()


def test_no_file_is_written_and_the_number_needs_no_matplotlib(tmp_path: Path) -> None:
    """Several finders keep the weights in the working directory meanwhile, which may be read-only, or shared with another run."""
    assert run(folder=tmp_path) == ["found True [] False"]


def test_a_figure_without_a_display_is_axes_and_nothing_is_shown(tmp_path: Path) -> None:
    """`show` is pyplot's, which is never loaded."""
    assert run("plot", folder=tmp_path)[1:] == ["Axes False False"]
