"""`tunesmith diagnose`: what anyone's training curves show, and what to do."""

import re
from collections.abc import Iterable
from pathlib import Path

import click

from tunesmith.cli import diagnosis_work as work
from tunesmith.cli.backend import Backend
from tunesmith.cli.command import Voice, command
from tunesmith.cli.probing import plot_option
from tunesmith.errors import InputError

HTML_ENDINGS = (".html", ".htm")


def parse_columns(texts: Iterable[str], *, roles: tuple[str, ...]) -> dict[str, str]:
    """What a column is, from `--columns ROLE=NAME,ROLE=NAME`; a name may hold commas and equal signs.

    Args:
        texts: What was typed, one item an option.
        roles: What a column may be named for.

    Raises:
        InputError: Not of that form, an unknown role, or one given twice.

    Example:
        >>> parse_columns(["valid_loss=loss, dev,step=iter", "lr="], roles=("step", "lr", "valid_loss"))
        {'valid_loss': 'loss, dev', 'step': 'iter', 'lr': ''}
    """
    columns: dict[str, str] = {}
    known = "|".join(map(re.escape, roles))
    for text in texts:
        pieces = re.split(rf"(?:^|,)\s*({known})\s*=", text)
        if pieces[0].strip() or len(pieces) == 1:
            raise InputError(f"--columns must be ROLE=NAME with a role among {', '.join(roles)}, got {text!r}. Write for example --columns valid_loss=my_loss.")
        for role, name in zip(pieces[1::2], pieces[2::2], strict=True):
            if role in columns:
                raise InputError(f"--columns must be given once for each role, got {role} twice. Keep one of them.")
            columns[role] = name.strip()
    return columns


def _page_path(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    """A click callback: refuses a page that cannot be written before anything is read."""
    if value is not None and value.suffix.lower() not in HTML_ENDINGS:
        raise click.BadParameter(f"must name a file that ends in {' or '.join(HTML_ENDINGS)}, got {str(value)!r}.")
    if value is not None and (value.is_dir() or not value.absolute().parent.is_dir()):
        raise click.BadParameter(f"must name a file in a folder that is there, got {str(value)!r}.")
    return value


@command(
    "diagnose",
    example="tunesmith diagnose metrics.csv\ntunesmith diagnose lightning_logs/version_0 trainer_state.json --explain\n"
    "tunesmith diagnose mine.csv --columns valid_loss=dev_nll,step=iter --plot mine.png",
)
@click.argument("files", metavar="[CURVE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--explain", is_flag=True, help="Say what each clue means and which knob does what; without CURVE, all of them.")
@click.option(
    "--columns",
    multiple=True,
    metavar="ROLE=NAME,...",
    help="What is what, where it is guessed wrongly: step, epoch, lr, train_loss, valid_loss; ROLE= for none. May be repeated.",
)
@plot_option
@click.option("--html", type=click.Path(path_type=Path), callback=_page_path, metavar="FILE", help="Write it as one HTML file as well.")
def diagnose(_backend: Backend, voice: Voice, *, files: tuple[Path, ...], explain: bool, columns: tuple[str, ...], plot: Path | None, html: Path | None) -> int:
    """Read training curves of any tool: what they show, since when, how sure, and which knob to turn. Trains nothing.

    A CURVE is a CSV, a JSON history, a trainer_state.json, an event file of TensorBoard, or a folder of these. Two or more are compared.
    """
    if not files:
        if not explain or columns or plot is not None or html is not None:
            raise InputError("diagnose must be given a training curve, got none. Name a log, such as metrics.csv; --explain alone explains every clue.")
        voice.result(work.explanations_to_json, work.explanations_text)
        return 0
    diagnosis = work.read_curves(files, parse_columns(columns, roles=work.column_roles()))
    for file in diagnosis.not_read:
        voice.say(f"Left out: {file.why}")
    if plot is not None:
        work.draw(diagnosis, plot)
        voice.say(f"Figure: {plot}")
    if html is not None:
        work.write_page(diagnosis, html)
        voice.say(f"Page: {html}")
    voice.result(lambda: work.json_of(diagnosis), lambda: work.text_of(diagnosis, explains=explain))
    return 0
