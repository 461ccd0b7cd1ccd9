"""How a part of the package is switched off from outside: one of its names stands for something else, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def replaced(owner: type | ModuleType, name: str, value: object) -> Iterator[None]:
    """`owner.name` is `value` inside the block, and what it was afterwards, whatever happens inside.

    Args:
        owner: A module, or a class that defines the name itself.
        name: What is replaced.
        value: What stands in its place.

    Raises:
        RuntimeError: The owner does not define the name: the package has changed, and nothing would be switched off.

    Example:
        >>> import math
        >>> with replaced(math, "pi", 3):
        ...     math.pi
        3
        >>> math.pi > 3
        True
    """
    if name not in vars(owner):
        raise RuntimeError(f"{owner.__name__} must define {name}, which a variant replaces, and does not. Bring the variant up to the package's code.")
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
