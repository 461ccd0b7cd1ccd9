"""The result as one HTML page of plots that needs no network and no script: the bad news first, then the evidence, then every number."""

from typing import Any

from benchmarks.proof.page.figures import CostPlots, cost_ratios, failures, profiles, ratio_scale, wins
from benchmarks.proof.page.ink import Look, key_mark, looks_of
from benchmarks.proof.page.style import CSS
from benchmarks.proof.page.tables import missing_section, ratio_table, section, task_section, verdict_section
from benchmarks.proof.page.view import View
from benchmarks.proof.wording import described
from tunesmith.report.markup import Markup, element, joined

_READING = {
    "Percentile": "place of the test loss among the random settings of the task, in per cent: 0 is better than all of them, 50 is their median.",
    "Regret": "test loss above the oracle's, in standard deviations between seeds; below 0 is better than the oracle. "
    "The oracle is the random setting that is best on validation after five retrainings.",
    "Cost": "in full trainings of the task. Search is what was trained to decide; the total adds, for a peer, its final training, "
    "and for ours the runs that confirm the plan beside the user's current settings.",
    "Failed": "a retraining that diverged or is worse than the median random setting; a study that crashed counts as three.",
    "Study": "one run of a method with a seed of its own. Its value is its median retraining on the fresh seeds, a method's value the median study.",
}
_COST = (
    "A method that goes on searching is a curve, since one may stop it anywhere; one that decides once is a point. The percentile's axis is stretched near 0; "
    "what lies in the grey lane is off the scale or diverged. On the tasks' panels, points that would cover one another are moved a little sideways; "
    "the tables have their exact costs."
)
_FEWER = "Medians over fewer tasks, which may be the easier ones: {}."
_OVERALL = "Median {} over tasks against what a method pays in all: lower and further left is better; the thick line joins our budgets."
_BY_TASK = (
    "The same for each task: a point or curve is the median study, a whisker reaches from the best to the worst study; "
    "larger blue points are larger budgets, and the axes are the same everywhere."
)
_PROFILES = (
    "At each regret, the share of (task, study) pairs that did at least so well: higher and further left is better; "
    "each method at its end, whose median total cost stands behind its name."
)
_WINS = (
    "How often one of our studies has a lower test loss than one of the peer's, mean over tasks, with the 95 % interval from resampling tasks and studies: "
    "right of the line ours wins more often than not; a hollow diamond is undecided, a square is lost."
)
_AGAINST = "A peer that goes on searching is given our total cost, any other its own. “(3 of 10)” behind a name: it shares only three tasks with ours."
_RATIOS = (
    "The peer's total cost when its median test loss reaches our median study's, over our total: a dot for each of our budgets, "
    "larger and lower for a larger one; right of the line ours is cheaper, and a hollow arrow means that the peer had not got there when it had paid this much."
)
_FAILURES = "Share of retrainings that diverged or ended worse than the median random setting, worst method first; a crashed study counts as failed."


def page(document: dict[str, Any]) -> str:
    """The whole page.

    Args:
        document: As `summary.summarize` makes it, infinities null. The same document gives the same bytes.
    """
    view = View(document)
    looks = looks_of(view.ours, view.peers)
    sections = [_head(view), verdict_section(view), _reading_section()]
    if view.tasks:
        sections += [_cost_section(view, looks), _profile_section(view, looks), _win_section(view), _ratio_section(view, looks), _failure_section(view, looks)]
    sections += [task_section(view), missing_section(view)]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", "Proof bench: tunesmith beside its peers"),
        element("style", Markup(CSS)),
    )
    return joined([Markup("<!doctype html>\n"), element("html", head, element("body", element("main", *sections)), lang="en"), Markup("\n")])


def _figure(caption: str, *plots: str) -> Markup:
    return element("figure", element("figcaption", caption), *plots)


def _head(view: View) -> Markup:
    made = view.document["made"]
    seeds = f", every choice trained again on the fresh seeds {', '.join(map(str, made['fresh_seeds']))}" if made.get("fresh_seeds") else ""
    facts = [f"{len(view.tasks)} of {len(view.document['tasks'])} tasks measured, {made['studies']} studies of each method on each task{seeds}."]
    facts += [f"Trained {described(machine)}." for machine in made.get("machines", [made] if "versions" in made else [])]
    links = {"verdict": "Verdict", "reading": "How to read"}
    if view.tasks:
        links |= {"cost": "Cost against quality", "profiles": "Profiles", "wins": "Wins", "ratios": "Cost ratios", "failures": "Failures"}
    links |= {"tasks": "Every task"} | ({"missing": "Missing"} if view.document["missing"] else {})
    return element(
        "header",
        element("h1", "Proof bench: tunesmith beside its peers"),
        element(
            "p",
            f"What {', '.join(view.ours) or 'none of ours'} and {len(view.peers)} peers cost, and how good the network is that each leads to, "
            "on test examples that no method saw. Every number comes out of the rows on disk.",
        ),
        *(element("p", fact, class_="quiet") for fact in facts),
        element("p", "Made by ", element("code", str(made["command"])), class_="quiet") if made.get("command") else "",
        element("nav", *(element("a", text, href=f"#{name}") for name, text in links.items())),
    )


def _reading_section() -> Markup:
    words = (child for word, text in _READING.items() for child in (element("dt", word), element("dd", text)))
    return section("How to read the numbers", element("dl", *words), name="reading")


def _cost_section(view: View, looks: dict[str, Look]) -> Markup:
    plots = CostPlots(view, looks)
    overall = [
        _figure(
            _OVERALL.format(measure.name),
            element("div", plots.overall(measure, has_labels=True), class_="wide-only"),
            element("div", plots.overall(measure, has_labels=False), class_="narrow-only"),
        )
        for measure in plots.measures
    ]
    panels = [
        element("div", element("h3", task), element("div", *(plots.task(task, measure) for measure in plots.measures), class_="pair"), _not_shown(view, task))
        for task in view.tasks
    ]
    n_tasks = {method: len(view.tasks_of(method)) for method in view.methods}
    fewer = [f"{method} ({count} of {len(view.tasks)})" for method, count in n_tasks.items() if 0 < count < len(view.tasks)]
    parts = [element("p", _COST), element("h3", "Over all tasks")]
    parts += [element("p", _FEWER.format(", ".join(fewer)))] if fewer else []
    parts += [_key(view, looks), *overall, element("h3", "Task by task"), _figure(_BY_TASK, *panels)]
    return section("What it costs and what it is worth", *parts, name="cost")


def _key(view: View, looks: dict[str, Look]) -> Markup:
    """Every method with its marker."""
    with_line = {*view.searching, *view.ours}
    marks = ((name, key_mark(looks[name], has_line=name in with_line, name=f"key {name}")) for name in [*view.ours, *view.peers])
    return element(
        "ul", *(element("li", drawing, element("span", name, class_="mine" if name in view.ours else "peer")) for name, drawing in marks), class_="key"
    )


def _not_shown(view: View, task: str) -> str:
    """The methods that one looks for on a panel in vain."""
    states = {method: view.results[task, method]["state"] for method in view.methods if (task, method) in view.results and view.done(task, method) is None}
    lines = [
        f"{words}: {', '.join(names)}." for state, words in (("crashed", "Crashed"), ("missing", "Not run")) for names in [_in_state(states, state)] if names
    ]
    return element("p", " ".join(lines), class_="quiet") if lines else ""


def _in_state(states: dict[str, str], wanted: str) -> list[str]:
    return [method for method, state in states.items() if state == wanted]


def _profile_section(view: View, looks: dict[str, Look]) -> Markup:
    shares = view.document["profiles"]["shares"]
    partial = [method for method in view.methods if shares.get(method) is None]
    parts = [element("p", f"Not drawn, since not run on every measured task: {', '.join(partial)}.")] if partial else []
    if len(partial) < len(view.methods):
        wide = element("div", profiles(view, looks, has_labels=True), class_="wide-only")
        narrow = element("div", profiles(view, looks, has_labels=False), class_="narrow-only")
        parts.append(_figure(_PROFILES, wide, narrow))
    return section("How often it is how far from the best", *parts, name="profiles")


def _win_section(view: View) -> Markup:
    known = [mine for mine in view.ours if any(one["ours"] == mine and one["share"] is not None for one in view.document["wins"])]
    title = "Share of tasks won"
    if not known:
        return section(title, element("p", "No task has a result of ours and one of a peer."), name="wins")
    panels = element("div", *(element("div", element("h3", mine), wins(view, mine)) for mine in known), class_="pair")
    return section(title, _figure(_WINS, element("p", _AGAINST, class_="quiet"), panels), name="wins")


def _ratio_section(view: View, looks: dict[str, Look]) -> Markup:
    others = list(dict.fromkeys(one["other"] for one in view.document["cost_ratios"] if one["ratio"] > 0))
    title = "What a searching peer must pay to be as good"
    if not others:
        return section(title, element("p", "No task has a result of ours and a search to set beside it."), name="ratios")
    scale = ratio_scale(view)
    panels = element("div", *(element("div", element("h3", other), cost_ratios(view, looks, other, x=scale)) for other in others), class_="pair")
    return section(title, _figure(_RATIOS, panels), ratio_table(view, others), name="ratios")


def _failure_section(view: View, looks: dict[str, Look]) -> Markup:
    title = "How often it fails"
    if all(view.failed(method) is None for method in view.methods):
        return section(title, element("p", "No study is done."), name="failures")
    return section(title, _figure(_FAILURES, element("div", failures(view, looks), class_="single")), name="failures")
