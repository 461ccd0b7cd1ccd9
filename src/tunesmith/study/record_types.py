"""Checks that a record made of stored content holds what its annotations say, because the file may be a stranger's and a dataclass checks nothing."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import TypeVar

from tunesmith.curve import Run

Record = TypeVar("Record")


def checked(record: Record) -> Record:
    """`record`, once every field of it and of the records in it has the annotated type; so nobody downstream meets text where a number must be.

    Raises:
        TypeError: A field of another type.

    Example:
        >>> from tunesmith.settings import RunSpec, Settings
        >>> checked(RunSpec(settings=Settings(), total_steps="<script>", seed=0))
        Traceback (most recent call last):
        TypeError: RunSpec.total_steps must be int, got '<script>'
    """
    for name, hint in _hints(type(record)).items():
        value = getattr(record, name)
        if not _fits(value, hint):
            raise TypeError(f"{type(record).__name__}.{name} must be {getattr(hint, '__name__', hint)}, got {value!r:.60}")
    return record


@cache
def _hints(record_type: type) -> Mapping[str, object]:
    hints = typing.get_type_hints(record_type)
    return {field.name: hints[field.name] for field in dataclasses.fields(record_type)}  # type: ignore[arg-type]


def _fits(value: object, hint: object) -> bool:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return any(_fits(value, part) for part in parts)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(key, parts[0]) and _fits(item, parts[1]) for key, item in value.items())
    if origin is tuple:
        return isinstance(value, tuple) and _items_fit(value, parts)
    if hint is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(hint, type):
        raise TypeError(f"no rule for {hint}")
    if hint is Run:
        return isinstance(value, Run)  # checked when it was read, and its curve is long
    return isinstance(value, hint) and (not dataclasses.is_dataclass(hint) or checked(value) is value)


def _items_fit(values: tuple[object, ...], parts: tuple[object, ...]) -> bool:
    if parts[-1] is ...:
        return all(_fits(value, parts[0]) for value in values)
    return len(values) == len(parts) and all(_fits(value, part) for value, part in zip(values, parts, strict=True))
