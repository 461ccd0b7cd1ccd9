"""Exit codes, help, and what failures look like."""

import errno
import json
from pathlib import Path
from typing import Never

import pytest
from tests.cli.harness import Typed, python, ran

from tunesmith.cli.backend import Backend
from tunesmith.cli.commands import group
from tunesmith.cli.failures import KEEPS_ITS_WORK
from tunesmith.errors import StudyError, UserCodeError

COMMANDS = (
    "demo", "tune", "capacity", "lr-range", "min-lr", "batch-size", "momentum", "weight-decay", "train", "rescale", "diagnose", "schedule", "show", "report",
    "export",
)  # fmt: skip
TUNE = ("tune", "train.py:task", "--out", "runs/mine")


def raising(error: BaseException) -> Backend:
    def tune(_task: object, **_options: object) -> Never:
        raise error

    return Backend(load_task=lambda _reference: None, tune=tune)


def test_the_commands_are_these() -> None:
    assert set(group.commands) == set(COMMANDS)
    assert set(COMMANDS) >= KEEPS_ITS_WORK


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_the_common_options(run: Typed, command: str) -> None:
    ended = run(command, "--help")
    assert ended.code == 0
    assert f"Example:\n    tunesmith {command}" in ended.out
    for option in ("--format [text|json]", "-q, --quiet", "-v, --verbose"):
        assert option in ended.out


def test_help_names_the_exit_codes(run: Typed) -> None:
    ended = run("--help")
    assert ended.code == 0
    assert all(f"    {code} " in ended.out for code in (0, 1, 2, 3, 70, 130))


def test_version(run: Typed) -> None:
    ended = run("--version")
    assert (ended.code, ended.out.split()[0]) == (0, "tunesmith")


def test_nothing_typed_is_answered_with_help_on_stderr(run: Typed) -> None:
    ended = run()
    assert (ended.code, ended.out) == (2, "")
    assert "Commands:" in ended.err


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("tnue",), "Error: No such command 'tnue'. Did you mean 'tune'? See 'tunesmith --help'."),
        (("tune", "train.py:task"), "Error: Missing option '--out'. See 'tunesmith tune --help'."),
        (("tune", "train.py:task", "--out", "x", "-q", "-v"), "Error: -q and -v must not be given together. Leave one out. See 'tunesmith tune --help'."),
        (("export", "x", "--to", "yaml"), "Error: Invalid value for '--to': 'yaml' is not one of 'torch', 'toml', 'json'. See 'tunesmith export --help'."),
    ],
)
def test_usage_is_one_sentence_and_2(run: Typed, args: tuple[str, ...], sentence: str) -> None:
    ended = run(*args)
    assert (ended.code, ended.out, ended.err) == (2, "", sentence + "\n")


def test_bad_input_is_its_sentence_and_2(run: Typed) -> None:
    ended = run(*TUNE, backend=raising(StudyError("A study must be of one task, got another's.")))
    assert (ended.code, ended.out, ended.err) == (2, "", "Error: A study must be of one task, got another's.\n")


def test_with_v_bad_input_has_its_traceback(run: Typed) -> None:
    ended = run(*TUNE, "-v", backend=raising(StudyError("A study must be of one task, got another's.")))
    assert ended.code == 2
    assert "Traceback" in ended.err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_is_full_or_read_only_is_a_sentence_and_2(run: Typed, number: int) -> None:
    ended = run(*TUNE, backend=raising(OSError(number, "reason", "runs/mine/weights.pt")))
    assert ended.code == 2
    assert ended.err.startswith("Error: a file cannot be used as asked: reason (runs/mine/weights.pt).")
    assert ended.err.count("\n") == 1


def test_our_own_bug_is_70_and_asks_to_report(run: Typed) -> None:
    ended = run(*TUNE, backend=raising(KeyError("x")))
    assert (ended.code, ended.out) == (70, "")
    assert "KeyError: 'x'" in ended.err
    assert "please report it" in ended.err
    assert "Traceback" not in ended.err
    assert "Traceback" in run(*TUNE, "-v", backend=raising(KeyError("x"))).err


def test_the_tasks_own_failure_is_3_with_its_frames_and_without_ours(run: Typed, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("def make():\n    return [][1]\n\ndef task():\n    return make()\n", encoding="utf-8")
    ended = run("tune", f"{path}:task", "--out", tmp_path / "runs")
    assert (ended.code, ended.out) == (3, "")
    assert f'File "{path}", line 2, in make' in ended.err
    assert "IndexError: list index out of range" in ended.err
    assert "task_file.py" not in ended.err
    assert ended.err.endswith(f"Error: The task's own code failed: {path}:task raised IndexError: list index out of range.\n")


def test_a_file_that_does_not_parse_is_3_with_the_line(run: Typed, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("def task(:\n", encoding="utf-8")
    ended = run("tune", f"{path}:task", "--out", tmp_path / "runs")
    assert ended.code == 3
    assert f'File "{path}", line 1' in ended.err
    assert "task_file.py" not in ended.err


def test_the_causes_of_a_failure_are_shown_too(run: Typed) -> None:
    failure = UserCodeError("The task's own code failed.")
    failure.__cause__ = ValueError("outer")
    failure.__cause__.__cause__ = KeyError("inner")
    ended = run(*TUNE, backend=raising(failure))
    assert ended.code == 3
    assert ended.err.index("KeyError: 'inner'") < ended.err.index("ValueError: outer")


def test_code_of_the_tasks_that_ends_the_process_is_3(run: Typed) -> None:
    ended = run(*TUNE, backend=raising(SystemExit(0)))
    assert ended.code == 3
    assert "it ended the process (SystemExit: 0)" in ended.err


def test_the_tasks_own_traceback_alone_without_a_cause(run: Typed) -> None:
    ended = run(*TUNE, backend=raising(UserCodeError("It raised.")))
    assert (ended.code, ended.err) == (3, "Error: It raised.\n")


def test_an_interrupt_is_130_with_the_command_that_goes_on(run: Typed) -> None:
    ended = run("tune", "my train.py:task", "--out", "runs/it's", backend=raising(KeyboardInterrupt()))
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.splitlines()[-1] == """  tunesmith tune 'my train.py:task' --out 'runs/it'"'"'s'"""
    assert "goes on from there" in ended.err


def test_an_interrupt_of_a_command_that_only_reads(run: Typed) -> None:
    def summarize(_folder: Path) -> Never:
        raise KeyboardInterrupt

    ended = run("show", "runs/mine", backend=Backend(summarize=summarize))
    assert ended.code == 130
    assert ended.err == "Interrupted. To start again:\n  tunesmith show runs/mine\n"


LIGHT = """
import sys
from tunesmith.cli import main
code = main({args!r})
loaded = sorted(name for name in ("torch", "pydantic", "matplotlib", "rich") if name in sys.modules)
print(code, *loaded, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("tune", "--help"),
        ("show", "STUDY"),
        ("show", "STUDY", "--format", "json"),
        ("report", "STUDY"),
        ("export", "STUDY", "--to", "torch"),
        ("export", "STUDY", "--to", "toml"),
        ("export", "STUDY", "--to", "json"),
    ],
)
def test_what_only_reads_loads_nothing_heavy(words: tuple[str, ...], study: Path) -> None:
    ended = ran("-c", LIGHT.format(args=[str(study) if word == "STUDY" else word for word in words]))
    assert ended.err == "0\n"
    assert ended.out


def test_a_reader_that_has_gone_is_no_failure() -> None:
    program = """
import sys
from tunesmith.cli import main
from tunesmith.cli.backend import Backend
sys.exit(main(["show", "x"], backend=Backend(summarize=lambda folder: "x" * 1_000_000)))
"""
    with python("-c", program) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 0)


def test_the_module_can_be_run(tmp_path: Path) -> None:
    ended = ran("-m", "tunesmith.cli", "schedule", "constant", "--max-lr", "0.1", "--total-steps", "3", "--format", "json", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["lr"] == [0.1, 0.1, 0.1]
