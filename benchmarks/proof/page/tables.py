"""The tables of the page, and the sections that are made of nothing else: the verdict, every task, what is missing."""

from collections import Counter
from collections.abc import Iterable
from statistics import median
from typing import Any

from benchmarks.proof.page.verdict import all_lines, bad_news, our_lines
from benchmarks.proof.page.view import View
from benchmarks.proof.wording import costs_text, number
from tunesmith.report.markup import Markup, element, table


def section(title: str, *children: str, name: str) -> Markup:
    """A part of the page that the links at its top lead to."""
    return element("section", element("h2", title), *children, id=name)


def verdict_section(view: View) -> Markup:
    """The bad news in sentences, then ours and everyone in two tables."""
    bad = bad_news(view)
    parts = [_bullets(bad, class_="bad") if bad else element("p", "Nothing speaks against ours in these numbers; read on before believing it.")]
    if view.tasks and view.ours:
        head = ["ours", "total cost, full trainings", "percentile", "regret", "failed", "behind", "undecided", "ahead"]
        parts += [
            element("h3", "Ours, by budget"),
            element("p", "Medians over tasks; the last three columns count peers by the 95 % interval of the share of tasks won.", class_="quiet"),
            table(head, ([_named(view, row[0]), *row[1:]] for row in our_lines(view)), numbers=(1, 3, 4, 5, 6, 7)),
        ]
    if view.tasks:
        head = ["method", "tasks", "percentile", "regret", "failed", "cost: search, after it, total"]
        parts += [
            element("h3", "Every method, worst first"),
            element("p", "Medians over the tasks that a method was run on, in brackets the best and the worst task.", class_="quiet"),
            table(head, ([_named(view, row[0]), *row[1:]] for row in all_lines(view)), numbers=(1, 2, 3, 4, 5)),
        ]
    return section("The bad news first", *parts, name="verdict")


def _bullets(items: Iterable[str], **attributes: str) -> Markup:
    return element("ul", *(element("li", item) for item in items), **attributes)


def _named(view: View, name: str) -> str:
    """A method's name; ours stand out."""
    return element("span", name, class_="mine") if any(name == mine or name.startswith(f"{mine} (") for mine in view.ours) else name


def task_section(view: View) -> Markup:
    """A table for each task with every method."""
    parts = [child for task in view.document["tasks"] for child in _task(view, task)]
    text = "Medians over studies, in brackets the best and the worst study; the metric is the median retraining's; cost in full trainings."
    return section("Every task, every method", element("p", text), *parts, name="tasks")


def _task(view: View, name: str) -> list[Markup]:
    task = view.document["tasks"][name]
    if task["why_not_measured"]:
        return [element("h3", name), element("p", f"Not measured: {task['why_not_measured']}.")]
    facts, reference, oracle = task["facts"], task["reference"], task["oracle"]
    text = (
        f"{facts['optimizer']}, {facts['parameters']:,} parameters; "
        f"{facts['n_train']:,} training, {facts['n_valid']:,} validation, {facts['n_test']:,} test examples. {reference['n']} random settings: "
        f"best test loss {reference['best']:.4f}, median {number(reference['median'], digits=4)}, {reference['diverged']} diverged. "
        f"Oracle {oracle['test']:.4f}, standard deviation between seeds {number(oracle['spread'], digits=4)} ({oracle['n']} retrainings)."
    )
    metric = next(iter(facts["metrics"]), "")
    head = ["method", "percentile", "regret", "failed", "test loss", metric or "no metric", "search, after it, total", "CPU s until chosen", "studies"]
    lines = [_line(view, result, metric) for (task_name, _), result in view.results.items() if task_name == name]
    lines += [_snapshot(one) for one in view.document["snapshots"] if one["task"] == name]
    return [element("h3", name), element("p", text, class_="quiet"), table(head, lines, numbers=range(1, 8), class_="results")]


def _line(view: View, result: dict[str, Any], metric: str) -> list[str]:
    name = _named(view, result["method"])
    if result["state"] != "done":
        return [name, element("span", result["state"], class_="gone"), *[""] * 6, "; ".join(result["why"])]
    low, high = result["percentiles"]
    best, worst = result["regrets"]
    values = [row[metric] for study in result["studies"] for row in study["metrics"] if row.get(metric) is not None]
    return [
        name,
        f"{number(result['percentile'], digits=0)} [{number(low, digits=0)}, {number(high, digits=0)}]",
        f"{number(result['regret'], digits=1)} [{number(best, digits=1)}, {number(worst, digits=1)}]",
        f"{100 * result['failed']:.0f} %",
        number(result["test"], digits=4),
        f"{median(values):.4f}" if values else "",
        costs_text(result),
        number(result["seconds"], digits=1),
        _studies(view, result),
    ]


def _studies(view: View, result: dict[str, Any]) -> str:
    """How many there are, what became of ours, and which crashed."""
    notes = Counter(study["note"].replace("_", " ") for study in result["studies"]) if result["method"] in view.ours else {}
    outcomes = [f"{count} {note}" for note, count in notes.items() if note]
    crashed = [f"{result['n_crashed']} crashed: {'; '.join(result['why'])}"] if result["n_crashed"] else []
    same = ["all the same"] if result["n_studies"] > 1 and result["n_distinct"] == 1 else []
    return ", ".join([str(result["n_studies"]) + (" (" + ", ".join(outcomes) + ")" if outcomes else ""), *same, *crashed])


def _snapshot(one: dict[str, Any]) -> list[str]:
    return [
        f"{one['method']}, total ≤ {one['total']:g}",
        number(one["percentile"], digits=0),
        number(one["regret"], digits=1),
        f"{100 * (one['failed'] or 0.0):.0f} %",
        number(one["test"], digits=4),
        "",
        f"≤ {one['total']:g}",
        "",
        str(one["n"]),
    ]


def missing_section(view: View) -> str:
    """What a complete bench would have besides; nothing where nothing is missing."""
    everything = view.document["missing"]
    if not everything:
        return ""
    states = {method: Counter(result["state"] for (_, name), result in view.results.items() if name == method) for method in view.methods}
    lacking = [
        [_named(view, method), *(str(count[state]) for state in ("done", "crashed", "missing"))]
        for method, count in states.items()
        if count["crashed"] or count["missing"]
    ]
    parts = [
        element("p", "Tasks on which a method is done, crashed in every study, or was not run."),
        table(["method", "done", "crashed", "not run"], lacking, numbers=(1, 2, 3)),
    ]
    listed = element("details", element("summary", f"Every one of the {len(everything)} things that a complete bench would have besides"), _bullets(everything))
    return section("What is missing", *(parts if lacking else []), listed, name="missing")


def ratio_table(view: View, others: Iterable[str]) -> Markup:
    """Every cost ratio, and the one of the median task."""
    head = ["peer / ours", "median task", *view.tasks]
    pairs = [(mine, other) for other in others for mine in view.ours if _ratios(view, mine, other)]
    lines = [[f"{other} / {mine}", _median_ratio(view, mine, other), *_task_ratios(view, mine, other)] for mine, other in pairs]
    return table(head, lines, numbers=range(1, len(head)))


def _ratios(view: View, mine: str, other: str) -> list[dict[str, Any]]:
    found = [one for one in view.document["cost_ratios"] if (one["ours"], one["other"]) == (mine, other) and one["ratio"] > 0]
    return sorted(found, key=lambda one: (one["is_censored"], one["ratio"]))


def _median_ratio(view: View, mine: str, other: str) -> str:
    ratios = _ratios(view, mine, other)
    return _shown(ratios[(len(ratios) - 1) // 2])


def _task_ratios(view: View, mine: str, other: str) -> list[str]:
    found = {one["task"]: _shown(one) for one in _ratios(view, mine, other)}
    return [found.get(task, "") for task in view.tasks]


def _shown(ratio: dict[str, Any]) -> str:
    return ("> " if ratio["is_censored"] else "") + number(ratio["ratio"], digits=1)
