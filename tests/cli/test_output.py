import ctypes
import io
import json
import os
import shlex
import subprocess
import sys
from contextlib import redirect_stdout

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.harness import Ended, ran

from tunesmith.cli.output import only_results_on_stdout, write_json, write_text
from tunesmith.settings import Json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), json_values, max_size=3))
def test_every_document_is_json_that_any_reader_takes(document: dict[str, Json]) -> None:
    stdout = io.StringIO()
    with redirect_stdout(stdout):
        write_json(document)
    read = json.loads(stdout.getvalue(), parse_constant=pytest.fail)
    assert read.keys() == document.keys()


def test_what_is_not_finite_becomes_null(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"a": [float("nan"), 1.0], "b": {"c": float("-inf")}, "d": (1, 2)})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.0], "b": {"c": None}, "d": [1, 2]}


def test_text_ends_with_one_newline(capsys: pytest.CaptureFixture[str]) -> None:
    write_text("a\n\n")
    assert capsys.readouterr().out == "a\n"


def test_whatever_prints_inside_goes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with only_results_on_stdout():
        print("python")  # noqa: T201
        sys.stdout.flush()
        os.write(1, b"descriptor\n")
        subprocess.run([sys.executable, "-c", "print('child')"], check=True)
        ctypes.CDLL(None).puts(b"library")
        ctypes.CDLL(None).fflush(None)
    print("result")  # noqa: T201
    captured = capfd.readouterr()
    assert captured.out == "result\n"
    assert sorted(captured.err.split()) == ["child", "descriptor", "library", "python"]


def test_a_terminal_that_knows_few_letters_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from tunesmith.cli.output import write_text; write_text('≥ 1 … ok')"
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert ran("-c", program) == Ended(code=0, out="\\u2265 1 \\u2026 ok\n", err="")


def test_a_closed_stdout_is_no_failure() -> None:
    program = "import os\nfrom tunesmith.cli.output import only_results_on_stdout\nos.close(1)\nwith only_results_on_stdout(): pass"
    assert ran("-c", program).code == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_is_closed_from_the_start_is_no_failure(closed: str) -> None:
    words = ["/bin/sh", "-c", f"{shlex.quote(sys.executable)} -m tunesmith.cli diagnose --explain {closed}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
