"""Writes the tables of the pages on clues and knobs from the code: `python docs/tables.py`; a test holds that they are up to date."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tunesmith.reading.clues import KINDS
from tunesmith.report.explanations import EXPLANATIONS, KNOBS

DOCS = Path(__file__).parent
PAGES = ("diagnose.md", "what-each-knob-does.md")


def kinds_table() -> str:
    """Every kind of clue with its rule, what matters most first."""
    rows = [f"| `{kind}` | {_cell(rule)} |" for kind, rule in KINDS.items()]
    return "\n".join(["| kind | rule |", "|---|---|", *rows])


def knobs_table() -> str:
    """Every knob, large and small."""
    rows = [f"| **{knob.name}** | {_cell(knob.large)} | {_cell(knob.small)} | {_cell(knob.trades)} |" for knob in KNOBS]
    return "\n".join(["| knob | large | small | traded against |", "|---|---|---|---|", *rows])


def clues_list() -> str:
    """Every kind of clue with what it means and what helps."""
    blocks = []
    for kind in KINDS:
        explanation = EXPLANATIONS[kind]
        knobs = "\n".join(f"{at}. {knob}" for at, knob in enumerate(explanation.knobs, start=1)) or "Nothing to do."
        blocks.append(f"### {kind.replace('_', ' ').capitalize()}\n\n{explanation.means}\n\n{knobs}")
    return "\n\n".join(blocks)


TABLES: Mapping[str, Callable[[], str]] = {"kinds": kinds_table, "knobs": knobs_table, "clues": clues_list}


def filled(page: str) -> str:
    """The page with each table between its two comments written anew."""
    for name, make in TABLES.items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        page = f"{before}{begin}\n{make()}\n\n{end}{after}" if begin and end else page
    return page


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    for name in PAGES:
        path = DOCS / name
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
