"""JSON without NaN and infinities, for which it has no word."""

import math

from tunesmith.settings import Json


def finite_json(value: Json) -> Json:
    """The same with null for every number that is not finite.

    Example:
        >>> finite_json({"loss": [0.5, float("nan"), float("inf")]})
        {'loss': [0.5, None, None]}
    """
    if isinstance(value, dict):
        return {name: finite_json(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite_json(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
