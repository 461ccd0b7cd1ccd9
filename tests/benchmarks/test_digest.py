import pytest
from benchmarks.proof.digest import bare_text, source_digest

TEXT = '''"""A module."""

# a comment
NAME = "# no comment"  # one


def f(x: int) -> int:
    """Doc
    string."""
    return x + 1  # é


class Empty:
    "Ä one-line docstring."
'''


def test_only_what_is_executed_counts() -> None:
    assert bare_text(TEXT) == 'NAME = "# no comment"\ndef f(x: int) -> int:\n    return x + 1\nclass Empty:'


@pytest.mark.parametrize("change", [("# a comment", "# another"), ("Doc\n    string", "Other"), ("  # one", ""), ("\n\n\ndef", "\ndef"), ("Ä", "A")])
def test_comments_docstrings_and_layout_do_not(change: tuple[str, str]) -> None:
    assert bare_text(TEXT.replace(*change)) == bare_text(TEXT)


@pytest.mark.parametrize("change", [("x + 1", "x + 2"), ("# no comment", "# a comment"), ("NAME", "NAMES"), ("no comment", "nocomment")])
def test_what_is_executed_does(change: tuple[str, str]) -> None:
    assert bare_text(TEXT.replace(*change)) != bare_text(TEXT)


def test_a_statement_that_leaves_its_loop_is_another_text() -> None:
    loop = "for x in y:\n    a(x)\n    b(x)\n"
    assert bare_text(loop) != bare_text(loop.replace("    b", "b"))


def test_every_version_of_python_gives_this_digest() -> None:
    assert source_digest(TEXT) == "b075f709c1b4"
