"""`tunesmith show`, `report` and `export`: they read studies and never train."""

from pathlib import Path

import click

from tunesmith.cli.backend import Backend
from tunesmith.cli.command import JSON_VERSION, Voice, command
from tunesmith.errors import InputError
from tunesmith.settings import Json

STUDY_FILES = ("study.sqlite", "study.sqlite-wal", "study.sqlite-shm", "plan.toml", "time_model.json", "checkpoints")
"""What a report must not be written over."""


@command("show", example="tunesmith show runs/mine\ntunesmith show runs/* --format json")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
def show(backend: Backend, voice: Voice, *, folders: tuple[Path, ...]) -> int:
    """Show what studies found and what they cost, finished or not."""
    voice.result(lambda: _documents(backend, folders), lambda: _texts(backend, folders))
    return 0


def _documents(backend: Backend, folders: tuple[Path, ...]) -> dict[str, Json]:
    return {"version": JSON_VERSION, "studies": [{"folder": str(folder), **backend.study_to_json(folder)} for folder in folders]}


def _texts(backend: Backend, folders: tuple[Path, ...]) -> str:
    texts = [backend.summarize(folder).rstrip("\n") for folder in folders]
    return texts[0] if len(texts) == 1 else "\n\n".join(f"== {folder} ==\n{text}" for folder, text in zip(folders, texts, strict=True))


@command("report", example="tunesmith report runs/mine --out mine.html")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="File to write. Default: DIR/report.html.")
def report(backend: Backend, voice: Voice, *, folder: Path, out: Path | None) -> int:
    """Write the report of a study, finished or not, as one HTML file that needs nothing else."""
    path = folder / "report.html" if out is None else out
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out must name a file in a folder that exists, got {str(out)!r}. Make the folder first.")
    if path.name in STUDY_FILES and path.resolve().parent == folder.resolve():
        raise InputError(f"--out must not be a file of the study itself, got {str(out)!r}. Name another, such as {str(folder / 'report.html')!r}.")
    backend.write_report(folder, path)
    voice.result(lambda: {"version": JSON_VERSION, "report": str(path)}, lambda: str(path))
    return 0


@command("export", example="tunesmith export runs/mine --to torch > optimizer.py\ntunesmith export runs/mine/plan.toml --to json")
@click.argument("place", metavar="DIR|PLAN.toml", type=click.Path(path_type=Path))
@click.option(
    "--to", type=click.Choice(["torch", "toml", "json"]), required=True, help="torch: code to paste. toml: the plan file. json: as `tune --format json`."
)
def export(backend: Backend, voice: Voice, *, place: Path, to: str) -> int:
    """Print a study's plan for use elsewhere."""
    text = backend.export(backend.find_plan(place), to)
    voice.result(lambda: {"version": JSON_VERSION, "to": to, "text": text}, lambda: text)
    return 0
