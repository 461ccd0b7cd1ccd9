"""What is no log, or a damaged one: one sentence, and what could still be read."""

import json
import pickle
import re
import struct
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import CurveError, InputError
from tunesmith.integrations.logs import read_log

FIXTURES = Path(__file__).parent / "fixtures"
TEN = "".join(f"{i},{2 - i / 10}\n" for i in range(10))


def write(folder: Path, content: str | bytes, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("All went well.\nIt was a fine training.\n", "has none (its first line is 'All went well.')"),
        ("a,b\n1,2\n", "it has numbers in a, b"),
        ("step,lr\n1,2\n", "Say which is which"),
        ("step,loss\n", "must have columns of numbers"),
        ("step,loss\nx,y\n", "must have columns of numbers"),
        ('"' + "a" * 200_000, "must be a readable text file"),
        ("{", "JSON to its end"),
        ("{}", "none of them"),
        ("[1, 2, 3]", "none of them"),
        ('"loss"', "must have columns of numbers"),
        ("[" * 100_000, "nested too deeply"),
        ('{"log_history": []}', "log_history"),
        ('{"loss": ["a", "b"]}', "known to be a loss"),
        (b"\xff\xfelos", "must be a readable text file"),
        (b"loss\n\xff\xff\n", "must have columns of numbers"),
        (bytes(range(256)), "holds other bytes"),
        (pickle.dumps({"loss": [1.0, 2.0]}), "A pickle is never opened"),
    ],
)
def test_what_is_no_log_is_refused_in_one_sentence(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(CurveError, match=re.escape(words)) as caught:
        read_log(write(tmp_path, content))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_is_no_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "missing.csv", "can be opened"), (tmp_path, "must hold event files"), (Path("a\0b"), "can be opened")):
        with pytest.raises(CurveError, match=words) as caught:
            read_log(path)
        assert "\n" not in str(caught.value)


def test_a_pickle_is_not_executed(tmp_path: Path) -> None:
    """Its loading would make a file."""

    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(tmp_path / "made"), "w")

    for protocol in (0, 2, 5):
        with pytest.raises(CurveError):
            read_log(write(tmp_path, pickle.dumps(Harmful(), protocol=protocol), name="trainer_state.json"))
    assert not (tmp_path / "made").exists()


def test_a_role_or_column_that_there_is_not_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, f"step,mine\n{TEN}")
    with pytest.raises(InputError, match="columns must name step, epoch, lr, train_loss or valid_loss, got 'loss'"):
        read_log(path, columns={"loss": "mine"})
    with pytest.raises(CurveError, match=r"got 'yours' for train_loss\. It has step, mine\."):
        read_log(path, columns={"train_loss": "yours"})


def test_cells_that_are_no_numbers_are_left_out_and_said(tmp_path: Path) -> None:
    (log,) = read_log(write(tmp_path, f"step,loss,remark\n{TEN.replace('1.5', 'n/k').replace(chr(10), ',' + chr(10))}10,NA,fine\n,,\n\n11,nan,\n12,inf,\n"))
    assert log.train_loss.step.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12]
    assert log.notes == (
        "1 of 14 rows lack a number in column step, and are left out.",
        "Columns without numbers are not read: remark.",
        "A cell of loss is no number (the first 'n/k' in row 6) and left out.",
        "Of 11 values of train_loss 2 are NaN or infinite, the first at step 11.",
    )


@pytest.mark.parametrize("n_points", [1, 2, 3])
def test_a_few_points_are_still_read(tmp_path: Path, n_points: int) -> None:
    (log,) = read_log(write(tmp_path, "val_loss\n" + "1.5\n" * n_points))
    assert len(log.valid_loss) == n_points
    assert log.notes == (f"The log has only {n_points} point{'s' * (n_points > 1)}.",)


def test_a_cut_off_last_row_is_said(tmp_path: Path) -> None:
    (log,) = read_log(write(tmp_path, f"step,loss\n{TEN}10"))
    assert len(log.train_loss) == 10
    assert log.notes == ("1 of 11 rows have more or fewer cells than the header; what fits is read.",)


@pytest.mark.parametrize(("content", "share", "n_read"), [("huggingface/trainer_state.json", 0.5, 6), ("keras-history.json", 0.75, 6)])
def test_of_a_cut_off_json_file_the_beginning_is_read(tmp_path: Path, content: str, share: float, n_read: int) -> None:
    whole = (FIXTURES / content).read_bytes()
    (log,) = read_log(write(tmp_path, whole[: int(share * len(whole))], name="trainer_state.json"))
    assert len(log.train_loss) == n_read
    assert log.notes[0].startswith("trainer_state.json is cut off or damaged (")
    assert log.notes[0].endswith("; what stands before is read.")


def test_of_a_damaged_json_file_the_beginning_is_read(tmp_path: Path) -> None:
    rows = [json.dumps({"step": i, "loss": 2 - i / 10, "train": {"acc": 0.5}}) for i in range(9)]
    (log,) = read_log(write(tmp_path, f"[{', '.join(rows)}, {{'step': 9}}]", name="log.json"))
    assert (len(log.train_loss), list(log.train_metrics)) == (9, ["acc"])
    assert "Expecting property name enclosed in double quotes at character" in log.notes[0]


@pytest.mark.skipif(find_spec("tensorboard") is not None, reason="the extra tensorboard is installed")
def test_without_the_extra_event_files_are_refused_and_the_extra_is_named() -> None:
    with pytest.raises(InputError, match=re.escape("pip install 'tunesmith[tensorboard]'")) as caught:
        read_log(FIXTURES / "tensorboard")
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="session")
def event_file() -> bytes:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    return (FIXTURES / "tensorboard" / "plain" / "events.out.tfevents.0").read_bytes()


@pytest.mark.parametrize("n_missing", [1, 15, 100, 11_000])
def test_of_a_cut_off_event_file_the_beginning_is_read(tmp_path: Path, event_file: bytes, n_missing: int) -> None:
    (log,) = read_log(write(tmp_path, event_file[:-n_missing], name="events.out.tfevents.1"))
    assert len(log.train_loss) >= 3
    assert "cut off" in log.notes[0]
    assert "\n" not in log.notes[0]


def test_of_a_damaged_event_file_the_beginning_is_read(tmp_path: Path, event_file: bytes) -> None:
    (log,) = read_log(write(tmp_path, event_file[:2000] + b"\xff" * 200 + event_file[2200:], name="events.out.tfevents.1"))
    assert 3 <= len(log.train_loss) < 40
    assert "damaged" in log.notes[0]


@pytest.mark.parametrize("content", [b"", b"\0" * 100, struct.pack("<Q", 1 << 62) + b"brain.Event:2"])
def test_an_event_file_without_scalars_is_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    with pytest.raises(CurveError, match="must hold scalars"):
        read_log(write(tmp_path, content, name="events.out.tfevents.1"))


def answer(path: Path) -> None:
    """Reads it, or refuses it in one sentence; nothing else may happen."""
    try:
        logs = read_log(path)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 (either is fine, and what is said is looked at)
        return
    assert logs
    for log in logs:
        assert all("\n" not in note for note in log.notes)
        json.dumps(log.to_dict(), allow_nan=False)
        for series in (log.train_loss, log.valid_loss, log.lr, *log.train_metrics.values(), *log.valid_metrics.values()):
            assert (series.step[1:] > series.step[:-1]).all()
            assert series.step.shape == series.value.shape


cells = st.one_of(st.integers(-3, 12).map(str), st.floats().map(str), st.sampled_from(["", "x", "nan", "1e999", "1,5", '"', "loss", "step"]))
tables = st.tuples(
    st.lists(st.sampled_from(["step", "epoch", "loss", "val_loss", "lr", "acc", "run", "loss", "a - loss"]) | st.text(max_size=5), min_size=1, max_size=5),
    st.lists(st.lists(cells, max_size=6), max_size=12),
    st.sampled_from([",", ";", "\t"]),
).map(lambda made: "\n".join(made[2].join(row) for row in [made[0], *made[1]]))
jsons = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["loss", "val_loss", "step", "log_history", "history", "lr"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    answer(write(folder, content))


@given(text=tables)
def test_any_table_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    answer(write(tmp_path_factory.mktemp("table"), text))


@given(content=jsons, is_rows=st.booleans())
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: object, is_rows: bool) -> None:  # noqa: FBT001 (drawn)
    text = "\n".join(json.dumps(content) for _ in range(3)) if is_rows else json.dumps({"loss": [1.0, 2.0], "val_loss": content})
    answer(write(tmp_path_factory.mktemp("json"), text))


@given(at=st.integers(0, 13_000), with_bytes=st.binary(max_size=30))
def test_any_damage_to_an_event_file_is_survived(tmp_path_factory: pytest.TempPathFactory, event_file: bytes, at: int, with_bytes: bytes) -> None:
    content = event_file[:at] + with_bytes + event_file[at + len(with_bytes) :]
    answer(write(tmp_path_factory.mktemp("events"), content, name="events.out.tfevents.1"))
