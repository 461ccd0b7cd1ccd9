import math
import re
from copy import deepcopy
from html import unescape
from typing import Any

import pytest
from benchmarks.proof.cache import without_infinities
from benchmarks.proof.page import page
from benchmarks.proof.page.verdict import bad_news, better_for_less
from benchmarks.proof.page.view import Stand, View
from benchmarks.proof.summary import overall

HOSTILE = "<i>$x$</i>"
TASKS, OTHERS = ("digits", "wine"), (HOSTILE, "finder")
FACTS = {
    "optimizer": "sgd",
    "parameters": 18951,
    "n_train": 3500,
    "n_valid": 1000,
    "n_test": 1997,
    "metrics": {"accuracy": True},
    "full_training_examples": 1e5,
}
NOT_MEASURED = {"why_not_measured": "it was not loaded yet", "facts": None, "reference": {"n": 0}, "oracle": None}
MACHINE = {"date": "2026-11-22", "commit": "abc1234", "processor": "Test", "cores": 2, "python": "3.11", "versions": {"torch": "2.13", "optuna": None}}


def result(task: str, method: str, *, total: float, percentile: float, regret: float) -> dict[str, Any]:
    study = {"note": "recommended", "metrics": [{"accuracy": 0.5717, "loss": 1.0}, {}]}
    return {
        "task": task,
        "method": method,
        "state": "done",
        "studies": [study, study],
        "why": [],
        "n_studies": 2,
        "n_distinct": 2,
        "n_crashed": 0,
        "is_current": True,
        "percentile": percentile,
        "percentiles": [percentile / 2, percentile],
        "regret": regret,
        "regrets": [regret - 1, math.inf],
        "test": 1.0 + regret / 100,
        "failed": 0.25,
        "search": total / 2,
        "final": total / 2,
        "total": total,
        "seconds": 4.5,
    }


def crash(task: str, method: str, why: str) -> dict[str, Any]:
    gone = {"percentile": 100.0, "percentiles": [100.0, 100.0], "failed": 1.0}
    lost = {"regret": math.inf, "regrets": [math.inf] * 2, "test": math.inf, "search": None, "final": None, "total": None, "seconds": None}
    return {"task": task, "method": method, "state": "crashed", "studies": [], "n_studies": 0, "n_distinct": 0, "n_crashed": 2, "why": [why]} | gone | lost


def method(name: str) -> dict[str, Any]:
    budget = 60.0 if name == "random_search" else None
    return {"family": name, "budget": budget, "is_ours": name.startswith("report"), "searches_on": name == "random_search"}


def snapshot(task: str) -> dict[str, Any]:
    return {"task": task, "method": "random_search", "total": 3.0, "n": 4, "test": 1.1, "percentile": 30.0, "regret": 40.0, "failed": 0.0}


def make_document() -> dict[str, Any]:
    """Two tasks, two of our budgets, two peers that decide once and one that goes on searching."""
    reference = {"n": 96, "diverged": 2, "best": 1.0, "median": 1.2}
    task = {"why_not_measured": "", "facts": FACTS, "reference": reference, "oracle": {"test": 1.0, "spread": 0.01, "n": 50}}
    names = ["report@1", "report@0.5", *OTHERS, "random_search"]
    results = [result(name, "report@1", total=3.0, percentile=3.0, regret=0.5) for name in TASKS]
    results += [result(name, "report@0.5", total=2.0, percentile=60.0, regret=1e36) for name in TASKS]
    results += [result(name, HOSTILE, total=1.0, percentile=10.0, regret=3.5) for name in TASKS]
    results += [result("digits", "finder", total=1.1, percentile=5.0, regret=math.inf), crash("wine", "finder", "ImportError: <b>no module</b> & more")]
    wins = [
        {"ours": "report@1", "other": HOSTILE, "n_tasks": 2, "at": "its own cost", "share": [0.9, 0.7, 1.0]},
        {"ours": "report@1", "other": "finder", "n_tasks": 1, "at": "its own cost", "share": [0.5, 0.2, 0.8]},
        {"ours": "report@0.5", "other": HOSTILE, "n_tasks": 2, "at": "its own cost", "share": [0.1, 0.0, 0.3]},
        {"ours": "report@0.5", "other": "finder", "n_tasks": 0, "at": "its own cost", "share": None},
    ]
    document = {
        "version": 1,
        "made": {"command": "python -m benchmarks.proof --cached", "studies": 2, "fresh_seeds": [900001, 900002], "machines": [MACHINE]},
        "cpu_hours": 1.5,
        "tasks": dict.fromkeys(TASKS, task) | {"cifar": NOT_MEASURED},
        "methods": {name: method(name) for name in names},
        "overall": overall(results, [snapshot(name) for name in TASKS], n_tasks=3),
        "results": results,
        "snapshots": [snapshot(name) for name in TASKS],
        "curves": {"random_search": {name: [[0.5, 80.0, math.inf], [1.0, 60.0, 100.0], [2.5, 30.0, 40.0]] for name in TASKS}},
        "profiles": {"levels": [0.0, 10.0, 20.0], "shares": {name: [0.25, 0.5, 1.0] for name in names} | {"finder": None}},
        "wins": wins,
        "cost_ratios": [
            {"task": "digits", "ours": "report@1", "other": "random_search", "ratio": 2.5, "is_censored": False},
            {"task": "wine", "ours": "report@1", "other": "random_search", "ratio": 20.3, "is_censored": True},
        ],
        "missing": ["cifar: the reference is not complete", "wine: finder, study 0: ImportError: <b>no module</b> & more"],
    }
    return without_infinities(document)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_document()


@pytest.fixture(scope="module")
def html(document: dict[str, Any]) -> str:
    return page(document)


@pytest.fixture
def unmeasured(document: dict[str, Any]) -> dict[str, Any]:
    """Nothing is measured yet."""
    changed = deepcopy(document)
    changed |= {
        "tasks": dict.fromkeys(TASKS, NOT_MEASURED),
        "overall": [],
        "results": [],
        "snapshots": [],
        "wins": [],
        "cost_ratios": [],
        "curves": {"random_search": {}},
    }
    changed["profiles"]["shares"] = dict.fromkeys(changed["methods"])
    return changed


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


class TestPage:
    def test_the_same_document_gives_the_same_bytes(self, document: dict[str, Any], html: str) -> None:
        assert page(deepcopy(document)) == html

    def test_needs_nothing_from_outside_and_no_script(self, html: str) -> None:
        assert not re.search(r"<(script|link|img|iframe|object)\b|@import|url\((?!#)", html)
        assert set(re.findall(r'href="([^"#][^"]*)"', html)) == set()
        assert "default-src &#x27;none&#x27;" in html

    def test_names_inside_are_unique_and_what_is_referred_to_is_there(self, html: str) -> None:
        names = re.findall(r' id="([^"]*)"', html)
        assert len(names) == len(set(names))
        assert set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', html)) <= {(name, "") for name in names} | {("", name) for name in names}

    def test_colours_come_from_the_style_sheet(self, html: str) -> None:
        body = html[html.index("<body>") :]
        assert "#0101" not in body
        assert set(re.findall(r"var\((--[\w-]*)\)", body)) <= set(re.findall(r"(--[\w-]*):", html))

    def test_every_drawing_says_what_it_is_and_every_figure_how_to_read_it(self, html: str) -> None:
        assert html.count("<svg") == html.count('role="img" aria-label="') + html.count('<svg aria-hidden="true"')
        assert html.count("<figure>") == html.count("<figure><figcaption>") == 7

    def test_gives_the_facts(self, html: str) -> None:
        text = words(html)
        for fact in ("commit abc1234", "torch 2.13", "900001, 900002", "python -m benchmarks.proof --cached", "0.5717", "18,951 parameters", "> 20.3"):
            assert fact in text

    def test_a_peer_that_crashed_has_a_row_and_is_named_below_the_panel(self, html: str) -> None:
        text = words(html)
        assert "finder crashed ImportError" in text
        assert "Crashed: finder." in text
        assert "Not drawn, since not run on every measured task: finder." in text

    def test_escapes_what_it_is_given(self, html: str) -> None:
        assert "<b>" not in html
        assert "&lt;b&gt;no module&lt;/b&gt; &amp; more" in html
        assert "<i>" not in html
        assert html.count("&lt;i&gt;$x$&lt;/i&gt;") > 5

    def test_a_bench_without_a_measured_task_says_so(self, unmeasured: dict[str, Any]) -> None:
        written = page(unmeasured)
        assert "No task is measured yet" in written
        assert words(written).count("Not measured: it was not loaded yet.") == 2
        assert "<svg" not in written

    def test_a_bench_without_any_study_of_ours_still_draws_the_rest(self, document: dict[str, Any]) -> None:
        changed = deepcopy(document) | {"wins": [], "cost_ratios": [], "missing": []}
        changed["results"] = [
            {"task": one["task"], "method": one["method"], "state": "missing", "studies": [], "n_studies": 0, "n_crashed": 0, "why": ["not run yet"]}
            for one in changed["results"]
        ]
        changed["overall"] = overall(changed["results"], changed["snapshots"], n_tasks=3)
        changed["profiles"]["shares"] = dict.fromkeys(changed["methods"]) | {"random_search": [0.25, 0.5, 1.0]}
        text = words(page(changed))
        assert "8 of 8 (task, method) pairs have no result: 8 not run." in text
        assert "No task has a result of ours and one of a peer." in text
        assert "random_search, total ≤ 3" in text


class TestBadNews:
    def test_tells_what_lost_and_what_is_undecided_and_what_is_missing(self, document: dict[str, Any]) -> None:
        news = " ".join(bad_news(View(document)))
        assert "Worse than the median random setting: report@0.5 on digits, wine." in news
        assert f"report@0.5 to {HOSTILE} (0.10 of tasks won, interval 0.00 to 0.30)" in news
        assert "report@1 to" not in news
        assert "1 of 3 comparisons" in news
        assert "1 of 8 (task, method) pairs have no result: 1 crashed." in news
        assert "Not measured at all: cifar." in news

    def test_a_peer_counts_as_better_only_at_no_more_than_our_cost(self, document: dict[str, Any]) -> None:
        view = View(document)
        assert better_for_less(view, "digits", "report@0.5") == [HOSTILE, "random_search"]
        assert better_for_less(view, "digits", "report@1") == []


class TestView:
    def test_ours_are_ordered_by_budget(self, document: dict[str, Any]) -> None:
        assert View(document).ours == ["report@0.5", "report@1"]

    def test_a_median_over_tasks_is_infinite_where_a_task_has_chosen_nothing(self, document: dict[str, Any]) -> None:
        later = deepcopy(document)
        del later["curves"]["random_search"]["wine"][:2]
        assert View(later).median_curve("random_search") == [Stand(2.5, 30.0, 40.0)]

    def test_a_task_whose_studies_all_crashed_counts_as_failed(self, document: dict[str, Any]) -> None:
        assert View(document).failed("finder") == (0.25 + 1) / 2
        assert View(document).crashes("finder") == 2
        assert View(document).failed("random_search") is None
