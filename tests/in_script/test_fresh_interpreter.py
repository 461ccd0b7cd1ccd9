"""What a range test does to the world outside, asked of a fresh interpreter: it writes no file, loads no matplotlib, opens no window."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, resource, sys
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
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, unlimited[1]))  # not a byte into any file, whoever writes it
result = ts.lr_range_test(
    model, optimizer, nn.functional.mse_loss, DataLoader(data, 32, shuffle=True), DataLoader(data, 64),
    start_lr=0.0, end_lr=4.0, steps=100, repeats=2, compare_steps=50,
)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
result.apply(optimizer)
document = result.to_dict()
print(result.outcome, result.suggestion() > 0, written, "matplotlib" in sys.modules)
ax = result.plot()
print(type(ax).__name__, "matplotlib.pyplot" in sys.modules, "_tkinter" in sys.modules)
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the script prints; without a display, without bytecode, in a folder that nobody may write to."""
    folder = tmp_path_factory.mktemp("read-only")
    folder.chmod(0o555)  # an administrator writes all the same: hence the limit and the watch in the script
    environment = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"}}
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", SCRIPT],
        cwd=folder, env={**environment, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(folder.iterdir()) == []
    return done.stdout.splitlines()


def test_no_file_is_written_and_the_number_needs_no_matplotlib(lines: list[str]) -> None:
    """Several finders keep the weights in the working directory meanwhile, which may be read-only, or shared with another run."""
    assert lines[0] == "found True [] False"


def test_a_figure_without_a_display_is_axes_and_nothing_is_shown(lines: list[str]) -> None:
    """`show` is pyplot's, which is never loaded."""
    assert lines[1:] == ["Axes False False"]
