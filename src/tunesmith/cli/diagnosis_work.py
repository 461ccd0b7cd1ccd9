"""The work behind `tunesmith diagnose`. Each function loads what it needs when it is called; none is in `Backend`, because none trains."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.settings import Json

if TYPE_CHECKING:
    from tunesmith.diagnosis import Diagnosis

# ruff: noqa: PLC0415 (the point of this file: loaded when called)

DPI = 150


def column_roles() -> tuple[str, ...]:
    """What `--columns` may name a column for."""
    from tunesmith.integrations.logs.names import ROLES

    return ROLES


def _terminal_columns() -> int:
    """Width of the terminal; as wide as we write where the result goes elsewhere."""
    from tunesmith.report.diagnosis_text import COLUMNS

    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size((COLUMNS, 24)).columns if is_terminal else COLUMNS


def read_curves(files: Sequence[Path], columns: Mapping[str, str]) -> "Diagnosis":
    """What training curves show."""
    from tunesmith.integrations.diagnose import diagnose_files

    return diagnose_files(files, columns=columns)


def text_of(diagnosis: "Diagnosis", *, explains: bool) -> str:
    """The same for a terminal."""
    from tunesmith.report.diagnosis_text import diagnosis_text

    return diagnosis_text(diagnosis, explains=explains, columns=_terminal_columns())


def json_of(diagnosis: "Diagnosis") -> dict[str, Json]:
    """The same as a JSON object."""
    from tunesmith.report.diagnosis_text import diagnosis_to_json

    return diagnosis_to_json(diagnosis)


def draw(diagnosis: "Diagnosis", path: Path) -> None:
    """Write a figure."""
    from tunesmith.plots.clues import diagnosis_figure

    diagnosis_figure(diagnosis).savefig(path, dpi=DPI)


def write_page(diagnosis: "Diagnosis", path: Path) -> None:
    """Write one HTML file."""
    from tunesmith.report.diagnosis_page import write_diagnosis

    write_diagnosis(diagnosis, path)


def explanations_text() -> str:
    """Every clue and every knob, explained."""
    from tunesmith.report.diagnosis_text import all_explanations_text

    return all_explanations_text(columns=_terminal_columns())


def explanations_to_json() -> dict[str, Json]:
    """The same as a JSON object."""
    from tunesmith.report.diagnosis_text import all_explanations_to_json

    return all_explanations_to_json()
