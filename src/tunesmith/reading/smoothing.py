"""Symmetric smoothing: a centred Gaussian, which does not lag (METHOD, trap 3), and how noisy a curve is."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TRUNCATE = 4.0
_MAD_TO_STD = 1.4826
LARGEST = 1e100
"""A value beyond this is as good as infinite: sums of them are."""


def smooth(y: ArrayLike, *, width_points: float) -> NDArray[np.float64]:
    """The mean of each point's neighbours under a centred Gaussian; points that are not finite count for nothing.

    Args:
        y: Raw values, one-dimensional.
        width_points: Standard deviation of the Gaussian, in points; ≥ 0. At the ends the window is one-sided.

    Returns:
        As many values; NaN where no finite point lies within four widths.

    Example:
        >>> smooth([1.0, 1.0, float("nan"), 1.0], width_points=1.0).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    values = np.asarray(y, dtype=float)
    if values.size == 0 or width_points <= 0:
        return values.copy()
    from scipy.ndimage import gaussian_filter1d  # noqa: PLC0415 (scipy is loaded only where it is used)

    finite = np.isfinite(values)
    filled = np.where(finite, values, 0.0)
    total = gaussian_filter1d(filled, width_points, mode="constant", truncate=_TRUNCATE)
    weight = gaussian_filter1d(finite.astype(float), width_points, mode="constant", truncate=_TRUNCATE)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 1e-12, total / weight, np.nan)  # noqa: PLR2004 (nothing within reach)


def noise_of(y: ArrayLike, *, order: int = 2) -> float:
    """Standard deviation of the noise of one point, from differences of neighbours, so that a trend does not count; 0 where there are too few finite points.

    Args:
        y: Raw values, one-dimensional.
        order: How often differences are taken: 2 takes out slopes, 4 slow oscillations too, but needs five points and knows the noise less well.

    Example:
        >>> noise_of([5.0, 4.0, 3.0, 2.0, 1.0])
        0.0
    """
    values = np.asarray(y, dtype=float)
    values = values[np.abs(values) < LARGEST]  # NaN compares false
    if values.size <= order:
        return 0.0
    differences = np.diff(values, order)
    return float(_MAD_TO_STD * np.median(np.abs(differences - np.median(differences))) / math.sqrt(math.comb(2 * order, order)))
