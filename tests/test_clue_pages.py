"""The pages on clues and knobs are held to the code: rules, explanations, names of columns, sketches and blocks."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tunesmith.integrations.logs.names import ROLES, guess_roles
from tunesmith.reading.clues import KINDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGE = DOCS / "diagnose.md"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_code() -> None:
    tables = load("tables")
    for name in tables.PAGES:
        page = (DOCS / name).read_text(encoding="utf-8")
        assert tables.filled(page) == page, f"docs/{name} is out of date: run python docs/tables.py"
    assert all(f"| `{kind}` | {rule} |" in PAGE.read_text(encoding="utf-8") for kind, rule in KINDS.items())


def test_every_kind_of_clue_has_a_sketch_and_the_figure_is_small() -> None:
    sketches = load("draw_clues")
    assert set(sketches.sketches()) == set(KINDS)
    assert sketches.FILE.stat().st_size < 80_000


def named_columns() -> list[tuple[str, str]]:
    part = PAGE.read_text(encoding="utf-8").split("## Which columns are read", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", part, flags=re.MULTILINE)
    return [(role, name) for role, names in rows for name in re.findall(r"`([^`]+)`", names)]


def test_all_roles_are_on_the_page() -> None:
    assert list(dict.fromkeys(role for role, _ in named_columns())) == list(ROLES)


@pytest.mark.parametrize(("role", "name"), named_columns())
def test_a_column_of_that_name_is_read_as_the_page_says(role: str, name: str) -> None:
    assert getattr(guess_roles({name: 9}, {}), role) == name


@pytest.mark.parametrize("name", ["valLoss", "val/loss", "Val Loss"])
def test_a_name_is_known_in_any_spelling(name: str) -> None:
    assert guess_roles({name: 9}, {}).valid_loss == name


def test_the_python_blocks_run(tmp_path: Path) -> None:
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL))
    (tmp_path / "page.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] in KINDS
    assert (tmp_path / "history.png").is_file()


def test_the_json_of_the_command_page_names_what_is_printed(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,loss\n" + "".join(f"{step},{2 / step}\n" for step in range(1, 30)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-m", "tunesmith.cli", "diagnose", str(log), str(log), "--format", "json"]
    document = json.loads(subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout)
    page = (DOCS / "command-line.md").read_text(encoding="utf-8").split("## `tunesmith diagnose`", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    keys = {*document, *document["curves"][0], *document["comparison"]}
    assert not {key for key in keys if f'"{key}"' not in page}
