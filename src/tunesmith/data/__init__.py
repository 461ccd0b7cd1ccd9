"""The small real data set that ships inside the package, for `tunesmith demo` and for trying things out. numpy only."""

from importlib.resources import files

import numpy as np

__all__ = ["load_digits"]


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits: images uint8 (1797, 8, 8) with values 0 to 16, and labels uint8 (1797,) from 0 to 9.

    In the source's own order, which runs through the writers one after another: shuffle before you split.

    Source: Alpaydin and Kaynak 1998, UCI "Optical Recognition of Handwritten Digits", test part, CC BY 4.0; see `README.md` beside this file.

    Example:
        >>> images, labels = load_digits()
        >>> images.shape, images.dtype.name, int(images.max()), labels[:5].tolist()
        ((1797, 8, 8), 'uint8', 16, [0, 1, 2, 3, 4])
    """
    with files("tunesmith.data").joinpath("digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return arrays["images"], arrays["labels"]
