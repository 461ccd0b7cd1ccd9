"""What a folder may not hold, and what content of a stranger's must not do."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.study.sample import DESCRIPTION, FINGERPRINT, create, make_read_only, make_run

from tunesmith.errors import StudyError
from tunesmith.experiment import Arm, Experiment
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.settings import Settings
from tunesmith.study import Study
from tunesmith.study.schema import SCHEMA_VERSION


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed study with a run, an experiment and a plan."""
    run = make_run()
    with create(tmp_path / "mine") as study:
        study.add(run, purpose="search")
        study.put_experiment(Experiment(probe="lr_range", arms=(Arm(label="lr .1", value=0.1, run=run),)))
        study.put_plan(Plan(outcome=StudyOutcome.RECOMMENDED, settings=Settings(), optimizer_name="sgd", n_train=100, total_steps=10))
    return tmp_path / "mine"


def set_text(folder: Path, place: str, *, to: str) -> None:
    """Put `to` where `place`, "table.column WHERE …", is."""
    target, _, condition = place.partition(" WHERE ")
    table, column = target.split(".")
    change(folder, " ".join(["UPDATE", table, "SET", column, "=", to, *(["WHERE", condition] if condition else [])]))


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "study.sqlite")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "study.sqlite")) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refused_by_both(folder: Path) -> str:
    """The sentence with which reading is refused; writing is refused too, and changes nothing."""
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(StudyError):
        create(folder)
    with pytest.raises(StudyError) as caught:
        Study.open(folder)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestFolder:
    def test_where_there_is_no_study_there_is_nothing_to_read(self, tmp_path: Path) -> None:
        for missing in (tmp_path, tmp_path / "nowhere"):
            with pytest.raises(StudyError, match=r"must be a folder that holds study\.sqlite"):
                Study.open(missing)

    def test_it_is_made_with_its_parents(self, tmp_path: Path) -> None:
        create(tmp_path / "a" / "b c?#%é").close()
        with Study.open(tmp_path / "a" / "b c?#%é") as study:
            assert study.description == DESCRIPTION

    def test_a_file_in_its_place_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "mine").write_text("")
        with pytest.raises(StudyError, match="File exists"):
            create(tmp_path / "mine")

    @pytest.mark.parametrize("name", ["plan.toml", "report.html", "train.py", "study.sqlite-wal", "checkpoints/mine.pt"])
    def test_a_strangers_file_is_never_overwritten(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
        with pytest.raises(StudyError, match=f"holds {Path(name).parts[0]} but no study.sqlite"):
            create(tmp_path)
        assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == [name]

    def test_many_files_are_not_all_named(self, tmp_path: Path) -> None:
        for number in range(100):
            (tmp_path / f"{number:02}.txt").touch()
        with pytest.raises(StudyError, match=r"holds 00\.txt, 01\.txt, 02\.txt and 97 more but"):
            create(tmp_path)

    def test_a_time_model_and_hidden_files_may_be_there(self, tmp_path: Path) -> None:
        for name in ("time_model.json", ".gitignore"):
            (tmp_path / name).write_text("{}")
        (tmp_path / "checkpoints").mkdir()
        create(tmp_path).close()

    def test_with_a_study_in_it_other_files_may_be_there(self, folder: Path) -> None:
        (folder / "notes.txt").write_text("mine")
        create(folder).close()

    def test_a_read_only_folder_is_read_and_not_written(self, unprivileged_folder: Path) -> None:
        folder = unprivileged_folder / "mine"
        with create(folder) as study:
            study.add(make_run(), purpose="search")
        make_read_only(folder)
        with Study.open(folder) as study:
            assert len(study.runs()) == 1
        with pytest.raises(StudyError, match="permissions"):
            create(folder)
        with pytest.raises(StudyError, match="Permission denied"):
            create(folder / "new")
        folder.chmod(0o755)

    def test_a_file_without_permission_is_refused(self, unprivileged_folder: Path) -> None:
        create(unprivileged_folder).close()
        (unprivileged_folder / "study.sqlite").chmod(0)
        with pytest.raises(StudyError, match="permissions"):
            Study.open(unprivileged_folder)


class TestDatabase:
    @pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"hello\n" * 1000, bytes(range(256)) * 64])
    def test_what_is_no_database_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "study.sqlite").write_bytes(content)
        with pytest.raises(StudyError):
            Study.open(tmp_path)
        if content:
            refused_by_both(tmp_path)

    def test_an_empty_file_of_a_killed_start_is_used(self, tmp_path: Path) -> None:
        (tmp_path / "study.sqlite").touch()
        create(tmp_path).close()
        Study.open(tmp_path).close()

    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
    def test_a_truncated_file_is_refused_at_the_latest_when_it_is_read(self, folder: Path, kept: float) -> None:
        database = folder / "study.sqlite"
        database.write_bytes(database.read_bytes()[: int(kept * database.stat().st_size)])
        with pytest.raises(StudyError, match="damaged"), Study.open(folder) as study:  # noqa: PT012 (it may show at any of them)
            study.runs()
            study.experiments()

    def test_flipped_bytes_never_give_another_error(self, folder: Path) -> None:
        database = folder / "study.sqlite"
        content = database.read_bytes()
        for place in range(0, len(content), 97):
            database.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
            try:
                with Study.open(folder) as study:
                    _ = study.runs(), study.experiments(), study.plan, study.notes, study.cost(), study.description
            except StudyError:
                pass

    def test_a_newer_version_is_refused_with_what_to_do(self, folder: Path) -> None:
        change(folder, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        assert "Install a newer tunesmith" in refused_by_both(folder)

    def test_a_study_of_version_1_is_read_and_stays_one_until_it_holds_gradients(self, folder: Path) -> None:
        change(folder, "PRAGMA user_version = 1")
        with create(folder) as study:
            study.add(make_run(seed=70), purpose="search")
        assert version(folder) == 1
        with create(folder) as study:
            study.add(make_run(seed=71, has_gradients=True), purpose="search")
        assert version(folder) == SCHEMA_VERSION == 2
        with Study.open(folder) as study:
            assert [stored.run for stored in study.runs()[-2:]] == [make_run(seed=70), make_run(seed=71, has_gradients=True)]

    def test_another_programs_database_is_refused(self, tmp_path: Path) -> None:
        change(tmp_path, "CREATE TABLE trials(id)", "PRAGMA user_version = 1")
        assert "another program's" in refused_by_both(tmp_path)

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE VIEW extra AS SELECT 1",
            "CREATE TRIGGER extra AFTER INSERT ON run BEGIN DELETE FROM run; END",
            "CREATE TABLE extra(x)",
            "CREATE INDEX extra ON run(outcome)",
            "ALTER TABLE point ADD COLUMN extra",
            "DROP TABLE note",
        ],
    )
    def test_other_tables_views_and_triggers_are_refused(self, folder: Path, statement: str) -> None:
        change(folder, statement)
        assert "exactly the tables" in refused_by_both(folder)

    def test_a_view_in_the_place_of_a_table_is_refused(self, folder: Path) -> None:
        change(folder, "DROP TABLE point", "CREATE VIEW point AS SELECT 0 AS run, 0 AS step, 0.0 AS lr, 0.0 AS momentum, 0.0 AS train_loss")
        assert "point" in refused_by_both(folder)


class TestContent:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE run SET spec = '{'",
            "UPDATE run SET spec = '[]'",
            "UPDATE run SET spec = '{}'",
            'UPDATE run SET spec = replace(spec, \'"seed": 0\', \'"seed": "<script>"\')',
            "UPDATE run SET spec = replace(spec, '0.9', '9.0')",
            "UPDATE run SET spec = replace(spec, '\"seed\"', '\"sead\"')",
            "UPDATE run SET outcome = 'great'",
            "UPDATE run SET metrics = '[1, 2]'",
            "UPDATE run SET metrics = 'null'",
            "UPDATE run SET trained_examples = 'many'",
            "UPDATE run SET metrics = x'ff'",
            "UPDATE run SET spec = CAST(x'ff' AS TEXT)",
            "UPDATE point SET lr = 'fast'",
            "UPDATE evaluation SET step = x'00'",
            "UPDATE evaluation SET source = 'hearsay' WHERE source = 'valid'",
            "UPDATE run SET spec = printf('%.*c', 100000, '[')",
        ],
    )
    def test_a_run_that_is_none_is_refused(self, folder: Path, statement: str) -> None:
        change(folder, statement)
        with Study.open(folder) as study, pytest.raises(StudyError):
            study.runs()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE evaluation SET value = NULL WHERE name = 'n_micro_batches'",
            "UPDATE evaluation SET value = 'many' WHERE name = 'micro_batch_size'",
            "UPDATE evaluation SET name = 'square' WHERE name = 'mean_square'",
            "DELETE FROM evaluation WHERE name = 'square_of_mean' AND position = 1",
        ],
    )
    def test_gradients_that_are_none_are_refused(self, folder: Path, statement: str) -> None:
        with create(folder) as study:
            study.add(make_run(seed=71, has_gradients=True), purpose="search")
        change(folder, statement)
        with Study.open(folder) as study, pytest.raises(StudyError):
            study.runs()

    @pytest.mark.parametrize(
        ("old", "new"),
        [("0.1", '"<script>"'), ('"lr .1"', "7"), ("[]", '[{"kind": 1}]'), ('"arms"', '"legs"'), ('"key": "', '"key": "0')],
    )
    def test_an_experiment_that_is_none_is_refused(self, folder: Path, old: str, new: str) -> None:
        set_text(folder, "experiment.body", to=f"replace(body, '{old}', '{new}')")
        with Study.open(folder) as study, pytest.raises(StudyError):
            study.experiments()

    @pytest.mark.parametrize(("old", "new"), [("100", '"<script>"'), ("recommended", "great"), ('"cost"', '"price"'), ('"sgd"', "null")])
    def test_a_plan_that_is_none_is_refused(self, folder: Path, old: str, new: str) -> None:
        set_text(folder, "fact.value WHERE name = 'plan'", to=f"replace(value, '{old}', '{new}')")
        with Study.open(folder) as study, pytest.raises(StudyError):
            _ = study.plan

    @pytest.mark.parametrize("value", ["[]", "{", '"text"', '{"full_training_examples": 0}', '{"full_training_examples": "x"}'])
    def test_a_description_that_is_none_is_refused(self, folder: Path, value: str) -> None:
        set_text(folder, "fact.value WHERE name = 'description'", to=f"'{value}'")
        with Study.open(folder) as study, pytest.raises(StudyError):
            study.cost()

    def test_a_cost_on_a_strangers_account_is_refused(self, folder: Path) -> None:
        change(folder, "UPDATE run SET purpose = 'fun'")
        with Study.open(folder) as study, pytest.raises(StudyError):
            study.cost()

    def test_a_fingerprint_that_is_none_is_refused(self, folder: Path) -> None:
        for value in ("'{'", "x'ff'", f"'{FINGERPRINT}'"):
            set_text(folder, "fact.value WHERE name = 'fingerprint'", to=value)
            with pytest.raises(StudyError):
                create(folder)
