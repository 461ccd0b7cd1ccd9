"""Any log file → its runs: the format is recognised by what the file holds."""

import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tunesmith.errors import CurveError
from tunesmith.integrations.logs.assemble import logs_of
from tunesmith.integrations.logs.csv_file import read_csv
from tunesmith.integrations.logs.event_files import MARK, event_files_in, read_event_files
from tunesmith.integrations.logs.json_file import read_json
from tunesmith.integrations.logs.names import check_roles
from tunesmith.integrations.logs.table import Table
from tunesmith.log import TrainingLog

_HEAD_BYTES = 4096
_NAMED_FILES = ("trainer_state.json", "checkpoint-*/trainer_state.json", "metrics.csv", "version_*/metrics.csv")
"""What is looked for in a folder before event files: they need no further library, and say more."""

_PACKED = {
    b"\x1f\x8b": "compressed (gzip)", b"PK\x03\x04": "a zip archive, such as a workbook or a checkpoint", b"BZh": "compressed (bzip2)",
    b"\xfd7zXZ": "compressed (xz)", b"\x28\xb5\x2f\xfd": "compressed (zstd)", b"SQLite format 3": "a database", b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file", b"\x93NUMPY": "an array of numpy", b"\x89PNG": "a picture", b"%PDF": "a PDF",
}  # fmt: skip


def read_log(path: str | Path, *, columns: Mapping[str, str] | None = None) -> list[TrainingLog]:
    """The runs in a log of any tool, at least one.

    Reads CSV (Lightning, Keras, fastai, exports of Weights & Biases and TensorBoard, your own), JSON (`trainer_state.json` of Hugging Face's Trainer, Keras's
    history, rows or columns), JSON lines, and TensorBoard's event files, alone or in a folder with runs in it. Columns are known by their names;
    `TrainingLog.columns` says which was taken for what, `TrainingLog.notes` what is wrong with the log and what was made of it. Nothing in a file is executed.

    - A step that comes again replaces what was there; where a run was taken up again at an earlier step, the later rows count.
    - Where the steps begin again at the first one, a second run begins; so it does where a column such as `run` or `seed` says so.
    - A column that says "train" or "val" of each row parts the others; one that counts epochs beside one that counts updates is put where it was written.
    - NaN and infinities that were written are kept; an empty cell is none.
    - Of a file that is cut off, what stands before is read.

    A million rows of CSV or JSON take two seconds or three and up to a quarter of a gigabyte, as does an event file with a million numbers
    (`benchmarks/speed/logs.py`).

    Args:
        path: A file, or a folder that a tool wrote.
        columns: What is what, where the names do not say it: {"valid_loss": "my column"}; "" for what is not to be read. Roles are step, epoch, lr, train_loss
            and valid_loss.

    Raises:
        InputError: `columns` names a role that there is not, or event files are to be read and the extra `tensorboard` is not installed.
        CurveError: No such file, no log, or no loss and no metric in it.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "log.csv"
        >>> _ = file.write_text("epoch loss val_loss accuracy val_accuracy; 0 2.3 1.9 .2 .3; 1 1.1 1.2 .6 .5".replace(" ", ",").replace(";,", chr(10)))
        >>> log, = read_log(file)
        >>> log.columns
        {'epoch': 'epoch', 'train_loss': 'loss', 'valid_loss': 'val_loss', 'train accuracy': 'accuracy', 'valid accuracy': 'val_accuracy'}
        >>> log.valid_loss.value.tolist(), log.step_unit.value, log.notes
        ([1.9, 1.2], 'epoch', ('The log has only 2 points.',))
    """
    check_roles(columns)
    path = Path(path)
    _check_is_file(path)
    tables = _in_folder(path) if path.is_dir() else _in_file(path)
    logs: list[TrainingLog] = []
    refused: list[CurveError] = []
    for table in tables:
        try:
            logs += logs_of(table, columns)
        except CurveError as error:
            refused.append(error)
    if not logs:
        raise refused[0]
    if refused:
        said = f"{len(refused)} of {len(tables)} runs in {path.name} have neither a loss nor a metric that can be read, and are left out."
        logs[0] = replace(logs[0], notes=(said, *logs[0].notes))
    return logs


def _check_is_file(path: Path) -> None:
    """Refuse what can be read once at most, or never ends: a log's form is told by its beginning, and then it is read."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # opening it says why
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        what = "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket"
        raise CurveError(f"A log must be a file or a folder, and {str(path)!r} is {what}. Write it to a file, and pass that.")


def _in_file(path: Path) -> list[Table]:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CurveError(f"A log must be a file or folder that can be opened, and {str(path)!r} is not ({why}). Look at its name.") from error
    if b"brain.Event:" in head or (MARK in path.name and (not head or b"\0" in head)):
        return read_event_files([path], root=path)
    packed = next((what for mark, what in _PACKED.items() if head.startswith(mark)), None)
    if packed:
        raise CurveError(f"A log must be text or an event file, and {path} is {packed}. Unpack it, or export CSV.")
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if encoding != "utf-16" and (b"\0" in head or head.startswith(b"\x80")):
        raise CurveError(
            f"A log must be text or an event file, and {path} holds other bytes. A pickle is never opened: loading one executes it. Export CSV or JSON."
        )
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")) or (encoding == "utf-16" and head[2:].lstrip(b"\0 \r\n").startswith((b"{", b"["))):
        return read_json(path, encoding=encoding)
    return read_csv(path, encoding=encoding)


def _in_folder(folder: Path) -> list[Table]:
    for pattern in _NAMED_FILES:
        found = sorted(folder.glob(pattern), key=lambda path: (len(path.parent.name), path.parent.name))
        if not found:
            continue
        if pattern.startswith("checkpoint"):  # the latest checkpoint has the whole history
            found = found[-1:]
        return [replace(table, name=str(path.relative_to(folder.parent))) for path in found for table in _in_file(path)]
    files = event_files_in(folder)
    if not files:
        raise CurveError(
            f"A folder must hold event files, metrics.csv or trainer_state.json to be read as a log, and {folder} has none of them. Pass the file."
        )
    return read_event_files(files, root=folder)
