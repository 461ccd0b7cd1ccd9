import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import tunesmith as ts
from tunesmith.cli.commands import group

ROOT = Path(__file__).parents[1]
API_PAGE = ROOT / "docs" / "api.md"
COMMAND_PAGE = ROOT / "docs" / "command-line.md"
ERRORS = ("BudgetError", "CurveError", "InputError", "StudyError", "TaskError", "TunesmithError", "UserCodeError")


def documented_names() -> list[str]:
    return re.findall(r"^\.\. auto(?:class|function|exception|module):: tunesmith\.(\w+)$", API_PAGE.read_text(), flags=re.MULTILINE)


def own_members(cls: type) -> Iterator[tuple[str, object]]:
    for name, member in vars(cls).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, (property, classmethod, staticmethod))):
            yield name, member


def commands() -> dict[str, click.Command]:
    return dict(group.commands)


def section(page: str, command: str) -> str:
    """The part of the page under the command's own heading; empty where it has none."""
    found = re.search(rf"^## `tunesmith {re.escape(command)}`$(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_all_is_sorted_and_has_no_name_twice() -> None:
    assert list(ts.__all__) == sorted(set(ts.__all__))


def test_the_public_names_are_the_documented_ones() -> None:
    assert sorted(documented_names()) == sorted(ts.__all__)


def test_the_errors_are_all_public() -> None:
    errors = importlib.import_module("tunesmith.errors")
    raised = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert raised == set(ERRORS)
    assert raised <= set(ts.__all__)


@pytest.mark.parametrize("name", ts.__all__)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(ts, name)
    assert inspect.getdoc(value), f"tunesmith.{name} has no docstring"
    for member_name, member in own_members(value) if isinstance(value, type) else ():
        assert inspect.getdoc(member), f"tunesmith.{name}.{member_name} has no docstring"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tuna'"):
        _ = ts.tuna


def test_every_command_helps_with_an_example() -> None:
    for name, command in commands().items():
        assert command.help, f"tunesmith {name} has no help"
        text = command.get_help(click.Context(command, info_name=f"tunesmith {name}"))
        assert f"tunesmith {name}" in text.split("\n", maxsplit=1)[1], f"tunesmith {name} --help shows no example"


def test_every_command_and_option_is_on_the_page_and_no_other() -> None:
    page = COMMAND_PAGE.read_text()
    assert sorted(re.findall(r"^## `tunesmith ([\w-]+)`$", page, flags=re.MULTILINE)) == sorted(commands())
    shared = page.split("## Every command", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    missing = [
        f"{name} {option}"
        for name, command in commands().items()
        for parameter in command.params
        for option in parameter.opts
        if isinstance(parameter, click.Option) and option.startswith("--") and option not in section(page, name) + shared
    ]
    assert not missing
