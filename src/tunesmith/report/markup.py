"""HTML that escapes by construction: a plain string put into an element is text, only `Markup` is taken as it is."""

import html
import json
from collections.abc import Iterable, Sequence

from tunesmith.report.wording import plain
from tunesmith.settings import Json

_VOID = frozenset({"br", "col", "hr", "meta"})


class Markup(str):
    """A string that is HTML already. Made by the functions of this module, and of constants."""

    __slots__ = ()


def text(content: str) -> Markup:
    """`content` as text: escaped, in one line.

    Example:
        >>> text("<script>'&'")
        '&lt;script&gt;&#x27;&amp;&#x27;'
    """
    return Markup(html.escape(plain(content), quote=True))


def joined(children: Iterable[str]) -> Markup:
    """Children one after another; those that are not Markup are escaped."""
    return Markup("".join(child if isinstance(child, Markup) else text_inside(child) for child in children))


def text_inside(content: str) -> Markup:
    """`content` as text with the spaces at its ends kept, for text between elements."""
    lead, tail = content[:1].isspace(), content[-1:].isspace() and len(content) > 1
    return Markup((" " if lead else "") + text(content) + (" " if tail else ""))


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """An element; children that are not Markup are escaped, and so are attributes, whose names may end in an underscore and hold underscores for hyphens.

    Example:
        >>> element("p", "a < b ", element("b", "c"), class_="note")
        '<p class="note">a &lt; b <b>c</b></p>'
    """
    written = "".join(f' {name.strip("_").replace("_", "-")}="{html.escape(plain(value), quote=True)}"' for name, value in attributes.items())
    return Markup(f"<{tag}{written}>" if tag in _VOID else f"<{tag}{written}>{joined(children)}</{tag}>")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = (), class_: str = "data") -> Markup:
    """A table in a box that scrolls sideways where it is too wide.

    Args:
        head: Titles of the columns.
        rows: Cells, text or Markup.
        numbers: Columns whose cells are set flush right.
        class_: Class of the table.
    """
    right = set(numbers)

    def cell(tag: str, index: int, content: str) -> Markup:
        extra = {"class_": "number"} if index in right else {}
        label = {"data_label": head[index]} if tag == "td" and head[index] else {}
        return element(tag, content, **extra, **label)

    top = element("tr", *(cell("th", index, title) for index, title in enumerate(head)))
    body = joined(element("tr", *(cell("td", index, content) for index, content in enumerate(row))) for row in rows)
    return element("div", element("table", element("thead", top), element("tbody", body), class_=class_), class_="wide")


def inline_json(value: Json) -> Markup:
    r"""JSON that can stand inside a script element: no character of it can end the element or open a comment.

    Example:
        >>> print(inline_json("</script>"))
        "\u003c/script\u003e"
    """
    written = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return Markup(written)
