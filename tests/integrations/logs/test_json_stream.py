"""JSON read block by block is what it is when read at once."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.integrations.logs.json_stream import JsonReader

letters = st.text(alphabet='{}[],:" a\\1', max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | letters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(letters, inner),
    max_leaves=12,
)


def read(text: str, *, block_letters: int) -> object:
    reader = JsonReader(io.StringIO(text), block_letters=block_letters)
    if reader.peek() == "[":
        found: object = [item for piece in reader.items() for item in piece]
    elif reader.peek() == "{":
        found = {key: reader.value() for key in reader.fields()}
    else:
        found = reader.value()
    assert not reader.peek()
    return found


@given(value=st.lists(values, max_size=8) | values, block_letters=st.integers(1, 40), indent=st.sampled_from([None, 0, 2]))
def test_any_json_is_read_as_at_once(value: object, block_letters: int, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert repr(read(text, block_letters=block_letters)) == repr(json.loads(text))  # NaN is not equal to itself


@given(value=st.lists(values, min_size=1, max_size=4), block_letters=st.integers(1, 40), data=st.data())
def test_what_ends_too_early_is_no_json(value: list[object], block_letters: int, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ValueError, match="at character"):
        read(text[:cut], block_letters=block_letters)


@pytest.mark.parametrize("text", ["[1,]", "[,1]", "[1 2]", '{"a" 1}', '{"a": 1,}', "{1: 2}", '{"a": 1 "b": 2}', "{,}"])
@pytest.mark.parametrize("block_letters", [1, 100])
def test_what_is_no_json_is_refused(text: str, block_letters: int) -> None:
    with pytest.raises(ValueError, match="at character"):
        read(text, block_letters=block_letters)
