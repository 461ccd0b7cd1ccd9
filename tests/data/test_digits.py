"""The data set that ships inside the package."""

import hashlib
import subprocess
import sys

import numpy as np

from tunesmith.data import load_digits


def test_holds_every_digit_of_the_source_in_its_order() -> None:
    images, labels = load_digits()
    assert (images.shape, images.dtype, images.min(), images.max()) == ((1797, 8, 8), np.uint8, 0, 16)
    assert (labels.shape, labels.dtype) == ((1797,), np.uint8)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest().startswith("87ff0c9e40dc7e2c")


def test_loading_needs_no_torch() -> None:
    code = "import sys; from tunesmith.data import load_digits; load_digits(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
