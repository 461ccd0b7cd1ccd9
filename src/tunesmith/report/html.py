"""One HTML file that needs no network: the page around the sections of a study or of a diagnosis, its scripts named by digest, written in one step."""

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.report.markup import Markup, element, inline_json, joined
from tunesmith.report.style import CSS, SCRIPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunesmith.report.evidence import Evidence
    from tunesmith.report.figure import Plots
    from tunesmith.study import Study


def write_report(study: "Study", path: Path) -> None:
    """Write the report of a study, in one step: `path` holds the old report or the whole new one.

    Args:
        study: Open for reading; it may be unfinished or empty.
        path: Of the HTML file, about 5 MB, most of it plotly's own code. Its folder must exist.
    """
    from tunesmith.report.evidence import read_evidence  # noqa: PLC0415 (with the drawing, loaded only when a report is written)

    write_text(Path(path), report_html(read_evidence(study)))


def report_html(evidence: "Evidence") -> str:
    """The whole document."""
    from tunesmith.report.sections import Plots, all_sections  # noqa: PLC0415 (needs numpy)

    plots = Plots()
    return page(evidence.name, all_sections(evidence, plots), plots)


def page(title: str, sections: "Sequence[Markup]", plots: "Plots") -> str:
    """The document around sections.

    Args:
        title: Of the window.
        sections: From headline to footer.
        plots: The figures in them.
    """
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 (takes a second)

    scripts = [get_plotlyjs().replace("\r", ""), SCRIPT] if plots.figures else []
    # Only the scripts of this page may run, nothing may be fetched: whatever a stranger's study holds stays text.
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {' '.join(map(_digest, scripts)) or chr(39) + 'none' + chr(39)}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title}: tunesmith"),
        element("style", Markup(CSS)),
    )
    data = [element("script", inline_json(plots.figures), type="application/json", id="figures")] if plots.figures else []
    body = element("body", element("main", *sections), *data, *(element("script", Markup(script)) for script in scripts))
    return joined([Markup("<!doctype html>\n"), element("html", head, body, lang="en"), Markup("\n")])


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def write_text(path: Path, content: str) -> None:
    """Write a file under a temporary name beside it, make sure that it is on disk, and rename it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
