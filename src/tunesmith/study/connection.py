"""Opening `study.sqlite` for its one writer or for any reader, and turning SQLite's errors into sentences."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Literal

from tunesmith.errors import StudyError

SIDE_SUFFIXES = ("-wal", "-journal")
"""What SQLite keeps beside a database until its last writer has closed it; `-shm` is an index that it makes again."""

WAIT_SECONDS = 30.0
"""How long a statement waits for another process's lock before it fails (our choice; locks are held for milliseconds)."""


DISK_ADVICE = (
    "What was stored before is whole: look at the folder's permissions and the disk's free space, then start the same command again or pass another --out."
)
DAMAGE_ADVICE = "The file is damaged or is no study: restore it from a copy, or pass another --out."
ADVICE = {
    sqlite3.SQLITE_FULL: DISK_ADVICE,
    sqlite3.SQLITE_IOERR: DISK_ADVICE,
    sqlite3.SQLITE_READONLY: DISK_ADVICE,
    sqlite3.SQLITE_CANTOPEN: DISK_ADVICE,
    sqlite3.SQLITE_PERM: DISK_ADVICE,
    sqlite3.SQLITE_BUSY: "Another process holds the database: wait until it has ended, then start the same command again.",
    sqlite3.SQLITE_CORRUPT: DAMAGE_ADVICE,
    sqlite3.SQLITE_NOTADB: DAMAGE_ADVICE,
}
"""SQLite's result code → what to do."""


@contextlib.contextmanager
def told(database: Path, *, doing: str) -> Generator[None]:
    """Run the block; an error of SQLite's or of the file system's becomes a StudyError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StudyError(f"{doing} {database} failed: {error}. {_advice(error)}") from error
    except OSError as error:
        raise StudyError(f"{doing} {database} failed: {error.strerror or error}. {DISK_ADVICE}") from error


@contextlib.contextmanager
def distrusted(database: Path) -> Generator[None]:
    """Run the block, which makes records of stored content; content that makes none becomes a StudyError, for the file may be a stranger's."""
    try:
        yield
    except StudyError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"
        raise StudyError(
            f"A study must hold what tunesmith stored, and {database} holds something else ({what}). It was changed or damaged: pass another --out."
        ) from error


def _advice(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the low byte names the kind
    return ADVICE.get(code, "Open the study again, in the thread that uses it.")


def open_for_writing(database: Path) -> sqlite3.Connection:
    """A connection in autocommit mode that makes the file where it is missing; every commit reaches the disk."""
    connection = sqlite3.connect(database, timeout=WAIT_SECONDS, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")  # a run may have cost hours; one fsync a run costs milliseconds
    return connection


def let_readers_in(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, so that readers and the writer do not wait for each other.

    Where the file system cannot (some network ones), SQLite keeps its rollback journal: slower, and readers wait for a commit, nothing else changes.
    """
    connection.execute("PRAGMA journal_mode = WAL").fetchone()


def close_writer(connection: sqlite3.Connection) -> None:
    """Leave one ordinary file behind, readable also from a read-only folder; with readers at work the log stays beside it, which is as good."""
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    connection.close()


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, *, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Generator[None]:
    """All of the block is stored, or nothing of it; IMMEDIATE for writing, DEFERRED for reading a single moment."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has already rolled back after some errors, such as a full disk
            connection.execute("ROLLBACK")
        raise


def open_for_reading(database: Path) -> sqlite3.Connection:
    """A connection that writes nothing, also where the folder is read-only and while another process writes."""
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        return _copy_in_memory(database)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _copy_in_memory(database: Path) -> sqlite3.Connection:
    """The study that a killed writer left behind where SQLite may not repair it in place, repaired on a copy."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        copy = Path(folder) / database.name
        shutil.copyfile(database, copy)
        for suffix in SIDE_SUFFIXES:
            side = database.with_name(database.name + suffix)
            if side.exists():
                shutil.copyfile(side, copy.with_name(side.name))
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # fails here, before there is a copy to close, if it is no database
            memory = sqlite3.connect(":memory:", isolation_level=None)
            connection.backup(memory)
    return memory
