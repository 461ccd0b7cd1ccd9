"""A diagnosis as one HTML file that needs no network. Names of files, columns and runs come from strangers: they are text everywhere."""

from pathlib import Path

from tunesmith.diagnosis import CurveDiagnosis, Diagnosis
from tunesmith.report.clues import curve_block
from tunesmith.report.diagnosis_text import outlook_text, standing_sentences, verdict_text
from tunesmith.report.figure import Plots
from tunesmith.report.html import page, write_text
from tunesmith.report.markup import Markup, element, joined, table
from tunesmith.report.wording import counted, ended, listed, plain


def write_diagnosis(diagnosis: Diagnosis, path: Path) -> None:
    """Write a diagnosis as one HTML file, in one step.

    Args:
        diagnosis: What was read.
        path: Of the file, about 5 MB, most of it plotly's own code. Its folder must exist.
    """
    write_text(Path(path), diagnosis_html(diagnosis))


def diagnosis_html(diagnosis: Diagnosis) -> str:
    """The whole document."""
    plots = Plots()
    curves = diagnosis.curves
    sections = [element("section", element("h2", curve.title), _curve(curve, plots), id=f"section-curve-{at}") for at, curve in enumerate(curves, start=1)]
    title = curves[0].title if len(curves) == 1 else counted(len(curves), "training curve")
    head = [element("p", element("span", "diagnosis", class_="outcome"), f" · {title}", class_="eyebrow"), element("h1", _headline(diagnosis))]
    if len(curves) > 1:
        rows = [(element("a", curve.title, href=f"#section-curve-{at}"), verdict_text(curve.findings[0], curve)) for at, curve in enumerate(curves, start=1)]
        head += [table(("Curve", "Verdict"), rows), _outlook(diagnosis)]
    head += [element("p", f"Left out: {file.why}", class_="quiet") for file in diagnosis.not_read]
    footer = element("footer", "Made by tunesmith from the logs alone. Nothing on this page is fetched from anywhere.")
    return page(title, [element("header", *head), *sections, footer], plots)


def _headline(diagnosis: Diagnosis) -> str:
    if diagnosis.outlook is not None:
        return f"Which will end better: {outlook_text(diagnosis.outlook, diagnosis.curves)}"
    said = verdict_text(diagnosis.curves[0].findings[0], diagnosis.curves[0])
    return said[0].upper() + said[1:]


def _outlook(diagnosis: Diagnosis) -> Markup:
    outlook = diagnosis.outlook
    if outlook is None:
        return Markup("")
    sentences = [ended(outlook.evidence), ended(outlook.action), f"Not established: {ended(outlook.not_established)}" if outlook.not_established else ""]
    standings = standing_sentences(outlook, diagnosis.curves)
    items = element("ul", *(element("li", sentence) for sentence in standings), class_="findings") if standings else Markup("")
    return joined([element("p", " ".join(filter(None, sentences))), items])


def _curve(curve: CurveDiagnosis, plots: Plots) -> Markup:
    log = curve.log
    notes = element("ul", *(element("li", ended(note)) for note in log.notes), class_="findings doubts") if log.notes else Markup("")
    rows = [(name.replace("_", " "), column) for name, column in log.columns.items()]
    unused = element("p", f"Not used: {listed([plain(name) for name in log.unused])}.", class_="quiet") if log.unused else Markup("")
    source = f"What was read, from {log.source}"
    columns = element("details", element("summary", source), table(("Read as", "Column"), rows), unused) if rows else Markup("")
    return joined([curve_block(curve, plots), notes, columns])
