"""HTML that escapes by construction."""

import html
import json

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.report.markup import Markup, element, inline_json, joined, table
from tunesmith.report.wording import ended, listed, plain


@given(st.text())
def test_text_never_becomes_markup_and_reads_back(text: str) -> None:
    made = element("p", text)
    inside = made.removeprefix("<p>").removesuffix("</p>")
    assert not set("<>\"'") & set(inside)
    assert html.unescape(inside).strip() == plain(text).strip()


@given(st.text())
def test_attributes_stay_inside_their_quotes(text: str) -> None:
    made = element("a", href=text)
    assert made.count('"') == 2
    assert made.endswith('"></a>')


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_inlined_json_cannot_end_its_element_and_reads_back(value: object) -> None:
    written = inline_json(value)
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == value


def test_markup_is_taken_as_it_is_and_text_keeps_the_spaces_between() -> None:
    assert joined(["a ", Markup("<b>b</b>"), " c"]) == "a <b>b</b> c"


def test_a_table_names_its_cells_for_narrow_screens() -> None:
    made = table(("", "Value"), [("lr", "0.1")], numbers=(1,))
    assert '<td class="number" data-label="Value">0.1</td>' in made
    assert "<td>lr</td>" in made


@given(st.text())
def test_plain_text_is_one_printable_line(text: str) -> None:
    assert all(character.isprintable() for character in plain(text))


def test_sentences_and_lists() -> None:
    assert ended("two\nlines") == "two lines."
    assert listed([]) == ""
    assert listed(["a", "b"]) == "a and b"
