"""The result as Markdown: the bad news first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import geometric_mean, median

from benchmarks.proof.summary import Document
from benchmarks.proof.wording import costs_text, described, number, overall_line
from tunesmith.plan import StudyOutcome


def table(document: Document) -> str:
    """The whole page."""
    parts = [
        _head(document),
        "<!-- over all tasks -->",
        _overall(document),
        _cost_ratios(document),
        _wins(document),
        _outcomes(document),
        _coverage(document),
        "<!-- task by task -->",
        *(_task(document, name) for name in document["tasks"]),
        _missing(document),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def rows_of(lines: Iterable[Sequence[str]]) -> str:
    """Markdown rows; the first is the head."""
    head, *body = [list(line) for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *body])


def _head(document: Document) -> str:
    made = document["made"]
    machines = "\n".join(f"- {described(machine)}" for machine in made["machines"])
    return (
        "# Proof bench\n\n"
        f"`{made['command']}`, from rows that were trained on\n\n{machines}\n\n"
        f"{made['studies']} studies of each method on each task; every choice trained again on the fresh seeds {', '.join(map(str, made['fresh_seeds']))}.\n"
        f"All rows of these tasks together took {document['cpu_hours']:.1f} hours of one core.\n\n"
        "Percentile: place of the test loss among the random settings, 0 is better than all. Regret: distance to the oracle (the random setting that is best\n"
        "on validation after five retrainings) in standard deviations between seeds; negative is better than the oracle. A study's value is its median\n"
        "retraining, a method's the median study, brackets hold the best and the worst study. Failed: share of retrainings that diverged or are worse than\n"
        "the median random setting. Cost in full trainings: search, after it a peer's final training or our confirming and the current settings, total.\n"
        "A study that crashed counts as infinitely bad. CPU seconds until chosen hold, for ours, confirming and report as well."
    )


def _overall(document: Document) -> str:
    """Each method over the tasks."""
    if not document["overall"]:
        return ""
    head = ["method", "tasks", "percentile: median over tasks [best, worst task]", "regret", "failed", "cost: search, after it, total"]
    text = "Those that were not run on every task stand last: their tasks may be the easier ones."
    n_tasks = len(document["tasks"])
    lines = [overall_line(line, n_tasks=n_tasks, worst=f": {line['worst_task']}", failed=number(line["failed"])) for line in document["overall"]]
    return f"## Over all tasks, worst first\n\n{text}\n\n" + rows_of([head, *lines])


def _cost_ratios(document: Document) -> str:
    """Per task, what random search and the like must pay to reach our median."""
    pairs = list(dict.fromkeys((ratio["ours"], ratio["other"]) for ratio in document["cost_ratios"]))
    if not pairs:
        return ""
    names = list(dict.fromkeys(ratio["task"] for ratio in document["cost_ratios"]))
    found = {(ratio["ours"], ratio["other"], ratio["task"]): ratio for ratio in document["cost_ratios"]}

    def shown(ratio: Document | None) -> str:
        return "" if ratio is None else ("> " if ratio["is_censored"] else "") + number(ratio["ratio"], digits=1)

    def middle(mine: str, other: str) -> str:
        ratios = sorted((found[mine, other, name] for name in names if (mine, other, name) in found), key=lambda one: (one["is_censored"], one["ratio"]))
        return shown(ratios[(len(ratios) - 1) // 2])

    def mean(mine: str, other: str) -> str:
        ratios = [found[mine, other, name] for name in names if (mine, other, name) in found]
        bound = "> " if any(ratio["is_censored"] for ratio in ratios) else ""
        return bound + number(geometric_mean([ratio["ratio"] for ratio in ratios]), digits=1)

    lines = [[f"{other} / {mine}", middle(mine, other), mean(mine, other), *(shown(found.get((mine, other, name))) for name in names)] for mine, other in pairs]
    text = (
        "Total cost at which a peer's median study is as good on the test set as our median study, over our total. Below 1 the peer is cheaper. "
        "“>”: it did not get there, and had spent so much. The median task is the lower of the two in the middle; what was not reached ranks last. "
        "The geometric mean takes it for what was spent."
    )
    return "## Cost ratio\n\n" + text + "\n\n" + rows_of([["peer / ours", "median task", "geometric mean", *names], *lines])


def _wins(document: Document) -> str:
    lines = [
        [wins["ours"], wins["other"], wins["at"], str(wins["n_tasks"]), f"{wins['share'][0]:.2f} [{wins['share'][1]:.2f}, {wins['share'][2]:.2f}]"]
        for wins in document["wins"]
        if wins["share"] is not None
    ]
    if not lines:
        return ""
    text = (
        "How often one of our studies has a lower test loss than one of the peer's, mean over tasks (the probability of improvement); 95 % interval from "
        "resampling tasks, and studies within them."
    )
    return "## Share of tasks won\n\n" + text + "\n\n" + rows_of([["ours", "peer", "peer's cost", "tasks", "share won"], *lines])


def _outcomes(document: Document) -> str:
    """How our studies ended, and the dearest of their searches."""
    lines = []
    for name, method in document["methods"].items():
        studies = [study for result in document["results"] if result["method"] == name for study in result["studies"]] if method["is_ours"] else []
        if studies:
            ends = Counter(study["note"].partition(":")[0] for study in studies)
            counts = [str(ends[outcome]) for outcome in StudyOutcome]
            lines.append([name, str(len(studies)), *counts, number(max(study["search"] for study in studies))])
    text = "How our studies ended, and what the dearest search took of a full training."
    return f"## Outcomes\n\n{text}\n\n" + rows_of([["method", "studies", *StudyOutcome, "largest search"], *lines]) if lines else ""


def _coverage(document: Document) -> str:
    names = list(document["tasks"])
    lines = [
        [one["method"], str(one["n_studies"]), str(one["n_retrainings"]), number(one["held"]), number(one["design_effect"]), number(one["p_value"], digits=3)]
        + [number(one["by_task"][name]) if name in one["by_task"] else "" for name in names]
        for one in document["coverage"]
        if one["n_studies"]
    ]
    if not lines:
        return ""
    text = (
        "Share of retrainings whose validation loss ended in the interval that their study stated for one new training in nine of ten cases. The p-value\n"
        "is that of a two-sided binomial test against .9, in which the retrainings of one study count for as many as they are worth (their number over the\n"
        "design effect)."
    )
    head = ["method", "studies", "retrainings", "held", "design effect", "p-value", *names]
    return "## Prediction intervals\n\n" + text + "\n\n" + rows_of([head, *lines])


def _task(document: Document, name: str) -> str:
    task = document["tasks"][name]
    if task["why_not_measured"]:
        return f"## {name}\n\nNot measured: {task['why_not_measured']}."
    facts, reference, oracle = task["facts"], task["reference"], task["oracle"]
    text = (
        f"{facts['optimizer']}, {facts['parameters']:,} parameters; "
        f"{facts['n_train']:,} training, {facts['n_valid']:,} validation, {facts['n_test']:,} test examples. "
        f"{reference['n']} random settings: best test loss {reference['best']:.4f}, median {number(reference['median'], digits=4)}, "
        f"{reference['diverged']} diverged. "
        f"Oracle {oracle['test']:.4f}, standard deviation between seeds {number(oracle['spread'], digits=4)} ({oracle['n']} retrainings)."
    )
    metric = next(iter(facts["metrics"]), None)
    lines = [["method", "percentile", "regret", "failed", "test loss", metric or "", "search, after it, total", "CPU s until chosen", "studies"]]
    lines += [_line(result, metric) for result in document["results"] if result["task"] == name]
    lines += [_snapshot_line(one) for one in document["snapshots"] if one["task"] == name]
    return f"## {name}\n\n{text}\n\n" + rows_of(lines)


def _snapshot_line(one: Document) -> list[str]:
    scores = [number(one["percentile"], digits=0), number(one["regret"], digits=1), number(one["failed"]), number(one["test"], digits=4)]
    return [f"{one['method']}, total ≤ {one['total']:g}", *scores, "", f"≤ {one['total']:g}", "", str(one["n"])]


def _line(result: Document, metric: str | None) -> list[str]:
    if result["state"] != "done":
        return [result["method"], f"{result['state']}: {'; '.join(result['why'])}".replace("|", "/"), *[""] * 7]
    low, high = result["percentiles"]
    best, worst = result["regrets"]
    values = [row.get(metric) for study in result["studies"] for row in study["metrics"] if metric and row.get(metric) is not None]
    return [
        result["method"],
        f"{number(result['percentile'], digits=0)} [{number(low, digits=0)}, {number(high, digits=0)}]",
        f"{number(result['regret'], digits=1)} [{number(best, digits=1)}, {number(worst, digits=1)}]",
        number(result["failed"]),
        number(result["test"], digits=4),
        f"{median(values):.4f}" if values else "",
        costs_text(result),
        number(result["seconds"], digits=1),
        f"{result['n_studies']}{_same(result)}"
        + (f", {result['n_crashed']} crashed: {'; '.join(result['why'])}".replace("|", "/") if result["n_crashed"] else ""),
    ]


def _same(result: Document) -> str:
    """Said where several studies chose one and the same thing, so that the bracket does not pass for a spread."""
    return ", all the same" if result["n_studies"] > 1 and result["n_distinct"] == 1 else ""


def _missing(document: Document) -> str:
    lines = document["missing"]
    return "" if not lines else "## Missing\n\n" + "\n".join(f"- {line}" for line in lines)
