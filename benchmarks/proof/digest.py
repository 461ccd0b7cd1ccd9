"""What a piece of code is known by: rows in the cache are filed under it, so that changed code never meets old rows."""

import ast
import hashlib
import io
import tokenize
from pathlib import Path

import tunesmith

_FILE_DIGITS, _PACKAGE_DIGITS = 12, 8
_NOT_DECIDING = (
    "__init__.py",
    "cli",
    "report",
    "plots",
    "in_script",
    "integrations",
    "diagnosis.py",
    "reading/outlook",
    "reading/ladder.py",
    "reading/ladder_knobs.py",
)
"""Parts of the package whose changes cannot change a plan: they speak, show, compare other people's curves, or serve scripts, and `tune` does not ask them."""
_IN_SCRIPT = "in_script"


def source_digest(text: str) -> str:
    """Twelve hex digits of what a Python file says.

    Comments, docstrings and blank lines do not count. The text itself is hashed and Python only asked where comments and docstrings lie, so every
    version of Python gives the same digest.

    Raises:
        SyntaxError: The text is no Python.
    """
    return hashlib.sha256(bare_text(text).encode()).hexdigest()[:_FILE_DIGITS]


def bare_text(text: str) -> str:
    r"""The text without comments, docstrings, blank lines and white space at the end of lines.

    Example:
        >>> bare_text('def f(x):  # a comment\n    "A docstring."\n\n    return "#" + x\n')
        'def f(x):\n    return "#" + x'
    """
    tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    spans = [(*token.start, *token.end) for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT]
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            spans.append((first.lineno, _characters(lines, first.lineno, first.col_offset), *_end(lines, first)))
    for line, column, last_line, last_column in sorted(spans, reverse=True):
        kept = lines[line - 1][:column] + lines[last_line - 1][last_column:]
        lines[line - 1 : last_line] = [kept] + [""] * (last_line - line)
    return "\n".join(stripped for line in lines if (stripped := line.rstrip()))


def _end(lines: list[str], node: ast.Expr) -> tuple[int, int]:
    line = node.end_lineno or node.lineno
    return line, _characters(lines, line, node.end_col_offset or 0)


def _characters(lines: list[str], line: int, n_bytes: int) -> int:
    """Bytes, which ast counts, as characters, which tokenize and we count."""
    return len(lines[line - 1].encode()[:n_bytes].decode())


def package_digest(*, with_in_script: bool = False) -> str:
    """Eight hex digits of the package's code as far as it decides about a plan; where wanted, with what serves scripts."""
    root = Path(tunesmith.__file__).parent
    left_out = [name for name in _NOT_DECIDING if not (with_in_script and name == _IN_SCRIPT)]
    paths = sorted(path for path in root.rglob("*.py") if not any(path.is_relative_to(root / name) for name in left_out))
    return hashlib.sha256("".join(source_digest(path.read_text()) for path in paths).encode()).hexdigest()[:_PACKAGE_DIGITS]
