"""The report as a file: complete, offline, escaped, written in one step."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from tunesmith.report import export_torch, write_report
from tunesmith.report.evidence import read_evidence
from tunesmith.report.html import report_html, write_text
from tunesmith.study import Study

TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "nav", "h1", "h2", "h3", "p", "ul", "ol", "li", "a", "b", "span",
    "div", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "details", "summary", "figure", "figcaption", "script", "small",
}  # fmt: skip
ATTRIBUTES = {
    "class", "id", "href", "style", "role", "aria-label", "data-label", "data-paper", "lang", "charset", "name", "content", "http-equiv", "type",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text.append(data)


def without_scripts(document: str) -> str:
    return re.sub(r"<script.*?</script>", "", document, flags=re.DOTALL)


def test_every_report_is_well_formed_and_holds_known_elements_alone(any_study: Study) -> None:
    document = report_html(read_evidence(any_study))
    reader = Reader(document)
    assert reader.open == []
    assert set(reader.tags) <= TAGS
    assert {name for name, _ in reader.attributes} <= ATTRIBUTES
    assert all(value.startswith("#section-") for name, value in reader.attributes if name == "href")
    assert reader.tags.count("script") in (0, 3)


def test_every_report_needs_no_network(any_study: Study) -> None:
    document = report_html(read_evidence(any_study))
    assert not re.search(r"https?:|url\(|@import", without_scripts(document))
    assert "default-src &#x27;none&#x27;" in document


def test_a_strangers_strings_are_text(hostile: Study) -> None:
    document = report_html(read_evidence(hostile))
    reader = Reader(document)
    assert "img" not in reader.tags
    text = "".join(reader.text)
    assert "<script>alert(1)</script></script><img src=x onerror=alert(2)>&amp;<!-- %{x} {0}" in text
    assert not {"\x1b", "\u202e"} & set(without_scripts(document))
    assert document.count(get_plotlyjs().replace("\r", "")) == 1


def test_anchors_lead_somewhere(recommended: Study) -> None:
    reader = Reader(report_html(read_evidence(recommended)))
    ids = {value for name, value in reader.attributes if name == "id"}
    assert {value.removeprefix("#") for name, value in reader.attributes if name == "href"} <= ids


def test_each_figure_has_its_place(recommended: Study) -> None:
    reader = Reader(report_html(read_evidence(recommended)))
    places = [value for name, value in reader.attributes if name == "id" and value.startswith("plot-")]
    assert places == [f"plot-{number}" for number in range(17)]


def test_sections_come_in_the_order_of_the_story(recommended: Study) -> None:
    document = report_html(read_evidence(recommended))
    assert re.findall(r"<h2>(.*?)</h2>", document) == [
        "The plan", "Code to paste", "Range tests", "Peak learning rate", "Starting learning rate", "Batch size", "Momentum", "Weight decay",
        "Confirmed", "The clues", "What matters and what does not", "What is not established", "What it cost", "Settings of the study",
    ]  # fmt: skip


def test_the_code_is_that_of_export(recommended: Study) -> None:
    reader = Reader(report_html(read_evidence(recommended)))
    assert recommended.plan is not None
    assert export_torch(recommended.plan) in "".join(reader.text)


def test_captions_say_number_seeds_and_smoothing(recommended: Study) -> None:
    text = "".join(Reader(report_html(read_evidence(recommended))).text)
    wanted = ("10 short runs of 62 updates", "seeds 1 and 2", "Gaussian of 5.5 updates", "not smoothed", "plan on 2 seeds and current settings on 1 seed")
    assert [words for words in wanted if words not in text] == []


def test_thresholds_and_versions_are_shown(recommended: Study) -> None:
    text = " ".join(Reader(report_html(read_evidence(recommended))).text)
    for words in ("edge rise", "2.13.0", "Thresholds of judgement", "160,000"):
        assert words in text


def test_the_file_is_written_in_one_step(recommended: Study, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(recommended, path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_report(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half a character: \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_of_the_same_study_is_the_same(recommended: Study) -> None:
    assert report_html(read_evidence(recommended)) == report_html(read_evidence(recommended))
