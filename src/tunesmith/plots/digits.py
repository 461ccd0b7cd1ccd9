"""Numbers as people read them: as many digits as carry meaning, the same in figures, text and the report."""

import math

DASH = "–"  # noqa: RUF001 (an en dash, on purpose)
"""Stands where there is no number."""
_SMALLEST_PLAIN, _LARGEST_PLAIN = 1e-3, 1e6
"""Outside these a number is written with an exponent."""
_ROUNDING = 1e-12
_MINUTE, _HOUR = 60, 3600
_FEW_MINUTES = 100
_HALF_CENT = 0.005


def number_text(value: float | None, *, digits: int = 3) -> str:
    """`value` in `digits` significant digits; exponents from 1e-3 down and 1e6 up; a dash for None and NaN.

    Args:
        value: Any number.
        digits: Significant digits, ≥ 1. Default 3: a validation loss seldom carries more (our choice).

    Example:
        >>> [number_text(value) for value in (0.21349, 64, 0.00032, 12345, 3e9, float("inf"))], number_text(None) == DASH
        (['0.213', '64', '3.2e-4', '12,345', '3e9', 'inf'], True)
    """
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) < _LARGEST_PLAIN:
        return f"{int(value):,}"
    size = abs(value)
    if size < _SMALLEST_PLAIN * (1 + _ROUNDING) or size >= _LARGEST_PLAIN:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        return f"{_trimmed(mantissa)}e{int(power)}"
    return _trimmed(f"{value:,.{max(0, digits - 1 - math.floor(math.log10(size)))}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def interval_text(interval: tuple[float, float] | None, *, digits: int = 3) -> str:
    """An interval, low to high; one number where its ends are the same, empty for None.

    Example:
        >>> interval_text((0.12, 0.4)), interval_text((0.1, 0.1)), interval_text(None)
        ('0.12 to 0.4', '0.1', '')
    """
    if interval is None:
        return ""
    low, high = (number_text(end, digits=digits) for end in interval)
    return low if low == high else f"{low} to {high}"


def percent_text(fraction: float) -> str:
    """A fraction as a percentage with two significant digits below 100 %.

    Example:
        >>> percent_text(0.0412), percent_text(0.5), percent_text(2.31)
        ('4.1 %', '50 %', '231 %')
    """
    percent = 100 * fraction
    return f"{number_text(percent, digits=2) if abs(percent) < 10 else format(percent, '.0f')} %"  # noqa: PLR2004 (two digits)


def seconds_text(seconds: float) -> str:
    """A duration in the unit that suits it.

    Example:
        >>> [seconds_text(value) for value in (0.42, 8.2, 312, 7321)]
        ['0.4 s', '8.2 s', '5 min 12 s', '2 h 2 min']
    """
    if seconds < _FEW_MINUTES:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    return f"{int(seconds // _HOUR):,} h {int(seconds % _HOUR // _MINUTE)} min"


def trainings_text(full_trainings: float) -> str:
    """A cost in full trainings, without the unit: two decimals, and "<0.01" for what is less.

    Example:
        >>> [trainings_text(value) for value in (0.0, 0.004, 0.153, 1.9)]
        ['0', '<0.01', '0.15', '1.90']
    """
    if full_trainings == 0:
        return "0"
    return "<0.01" if full_trainings < _HALF_CENT else f"{full_trainings:.2f}"
