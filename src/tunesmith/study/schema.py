"""The tables of `study.sqlite`, their version, and the check that a database holds exactly them.

NaN is stored as NULL, because SQLite knows no NaN; infinities are stored as they are. No number of a study is ever missing, so NULL means NaN and nothing else.
"""

import sqlite3
from pathlib import Path

from tunesmith.errors import StudyError

SCHEMA_VERSION = 2
"""Version 2 has the tables of version 1, in which runs may also hold gradients: rows of `evaluation` that an older tunesmith would take for damage."""
APPLICATION_ID = 0x54554E45
"""Marks a SQLite file as a study: "TUNE" in ASCII, in the file's header."""

TABLES = {
    "fact": "CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "note": "CREATE TABLE note(position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL)",
    "run": (
        "CREATE TABLE run(position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, purpose TEXT NOT NULL, spec TEXT NOT NULL, outcome TEXT NOT NULL, "
        "metrics TEXT NOT NULL, trained_examples INTEGER NOT NULL, evaluated_examples INTEGER NOT NULL, seconds REAL NOT NULL)"
    ),
    "point": "CREATE TABLE point(run INTEGER NOT NULL, step INTEGER NOT NULL, lr REAL, momentum REAL, train_loss REAL, PRIMARY KEY(run, step)) WITHOUT ROWID",
    "evaluation": (
        "CREATE TABLE evaluation(run INTEGER NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, step INTEGER NOT NULL, value REAL, "
        "PRIMARY KEY(run, source, name, position)) WITHOUT ROWID"
    ),
    "charge": (
        "CREATE TABLE charge(name TEXT PRIMARY KEY, purpose TEXT NOT NULL, trained_examples INTEGER NOT NULL, evaluated_examples INTEGER NOT NULL, "
        "seconds REAL NOT NULL) WITHOUT ROWID"
    ),
    "experiment": "CREATE TABLE experiment(position INTEGER PRIMARY KEY, probe TEXT NOT NULL UNIQUE, body TEXT NOT NULL)",
}
"""Name → statement. `fact` holds the fingerprint, the description and the plan; an evaluation's source is "valid", "metric", "test" or "gradient"."""


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether the database was never written, as after a start that was killed at once."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return tables == 0 and _header(connection) == (0, 0)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables and mark the file; to be called in a transaction, so that a study is there whole or not at all."""
    for statement in TABLES.values():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    raise_version(connection)


def raise_version(connection: sqlite3.Connection) -> None:
    """Mark a study of an older version as one that only this version or a newer one may read; to be called in a transaction."""
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def check_tables(connection: sqlite3.Connection, database: Path) -> None:
    """Refuse a database whose tables are not exactly ours: a view or a trigger in a stranger's file would run code of his.

    Raises:
        StudyError: A newer version, another program's database, or other tables.
    """
    if is_blank(connection):
        raise StudyError(f"A study must hold a task's description, and {database} is still empty. Start `tunesmith tune` with this --out again.")
    application, version = _header(connection)
    if application != APPLICATION_ID:
        raise StudyError(f"A study must be a database that tunesmith wrote, and {database} is another program's. Pass another folder.")
    if version > SCHEMA_VERSION:
        raise StudyError(
            f"A study must be of version {SCHEMA_VERSION} or older for this tunesmith, and {database} is of version {version}. "
            "Install a newer tunesmith (`pip install --upgrade tunesmith`), or pass another --out."
        )
    found = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_autoindex_%'").fetchall())
    if found != TABLES:
        strange = sorted(name for name in found.keys() | TABLES.keys() if found.get(name) != TABLES.get(name))
        raise StudyError(
            f"A study must hold exactly the tables of version {SCHEMA_VERSION}, and {database} differs in {', '.join(strange)}. "
            "It was changed or damaged: pass another --out."
        )


def _header(connection: sqlite3.Connection) -> tuple[int, int]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version
