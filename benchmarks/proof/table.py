"""The result as Markdown: the bad news first."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

Document = dict[str, Any]


def table(document: Document) -> str:
    """The whole page."""
    parts = [
        _head(document),
        _overall(document),
        _cost_ratios(document),
        _wins(document),
        *(_task(document, name) for name in document["tasks"]),
        _missing(document),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def rows_of(lines: Iterable[Sequence[str]]) -> str:
    """Markdown rows; the first is the head."""
    head, *body = [list(line) for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *body])


def number(value: float | None, *, digits: int = 2) -> str:
    """A number, or what stands for one that was not reached.

    Example:
        >>> number(0.12345), number(None), number(1234.5)
        ('0.12', '∞', '1234')
    """
    if value is None:
        return "∞"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.{digits}f}"  # noqa: PLR2004 (three figures)


def _head(document: Document) -> str:
    made = document["made"]
    machines = "\n".join(f"- {described(machine)}" for machine in made["machines"])
    return (
        "# Proof bench\n\n"
        f"`{made['command']}`, from rows that were trained on\n\n{machines}\n\n"
        f"{made['studies']} studies of each method on each task; every choice trained again on the fresh seeds {', '.join(map(str, made['fresh_seeds']))}.\n\n"
        "Percentile: place of the test loss among the random settings, 0 is better than all. Regret: distance to the oracle (the random setting that is best\n"
        "on validation after five retrainings) in standard deviations between seeds; negative is better than the oracle. A study's value is its median\n"
        "retraining, a method's the median study, brackets hold the best and the worst study. Failed: share of retrainings that diverged or are worse than\n"
        "the median random setting. Cost in full trainings: search, and in all: a peer's final training, our confirming and the current settings."
    )


def described(machine: dict[str, Any]) -> str:
    """A machine, its versions and its day in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    processor = f"{machine['processor']}, {machine['cores']} cores, one thread a training"
    return f"{machine['date']}: commit {machine['commit']}, {processor}, Python {machine['python']}, {versions}"


def _overall(document: Document) -> str:
    """Each method over the tasks; worst median percentile first."""
    lines = []
    for name in document["methods"]:
        results = [result for result in document["results"] if result["method"] == name]
        done = [result for result in results if result["state"] == "done"]
        if not done:
            continue
        percentiles = [result["percentile"] for result in done]
        lines.append((
            median(percentiles),
            [
                name,
                f"{len(done)} of {len(document['tasks'])}",
                f"{number(median(percentiles), digits=0)} [{number(min(percentiles), digits=0)}, {number(max(percentiles), digits=0)}]",
                number(_median_of(result["regret"] for result in done)),
                number(_mean_failed(results)),
                f"{number(median(result['search'] for result in done))}, {number(median(result['total'] for result in done))}",
            ],
        ))  # fmt: skip
    lines += [(line[0], line[1]) for line in _snapshots_overall(document)]
    if not lines:
        return ""
    head = ["method", "tasks", "percentile: median over tasks [best, worst task]", "regret", "failed", "cost: search, total"]
    return "## Over all tasks, worst first\n\n" + rows_of([head, *(line for _, line in sorted(lines, key=lambda pair: -pair[0]))])


def _mean_failed(results: Sequence[Document]) -> float:
    """Mean share of failures over the tasks that were tried; a task where every study crashed counts in full."""
    shares = [result.get("failed", 1.0) for result in results if result["state"] != "missing"]
    return sum(shares) / len(shares)


def _snapshots_overall(document: Document) -> list[tuple[float, list[str]]]:
    """Methods that go on searching, at a few total costs."""
    lines = []
    for name, total in dict.fromkeys((snapshot["method"], snapshot["total"]) for snapshot in document["snapshots"]):
        found = [snapshot for snapshot in document["snapshots"] if (snapshot["method"], snapshot["total"]) == (name, total) and snapshot["n"]]
        reached = [snapshot for snapshot in found if snapshot["percentile"] is not None]
        if not reached:
            continue
        percentiles = [snapshot["percentile"] for snapshot in reached]
        shown = f"{number(median(percentiles), digits=0)} [{number(min(percentiles), digits=0)}, {number(max(percentiles), digits=0)}]"
        lines.append((
            median(percentiles),
            [f"{name}, total ≤ {total:g}", f"{len(reached)} of {len(document['tasks'])}", shown, number(_median_of(one["regret"] for one in reached)),
             number(sum(one["failed"] for one in reached) / len(reached)), f"≤ {total:g}"],
        ))  # fmt: skip
    return lines


def _median_of(values: Iterable[float | None]) -> float | None:
    found = median(float("inf") if value is None else value for value in values)
    return None if found == float("inf") else found


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

    lines = [[f"{other} / {mine}", middle(mine, other), *(shown(found.get((mine, other, name))) for name in names)] for mine, other in pairs]
    text = (
        "Total cost at which a peer's median study is as good on the test set as our median study, over our total. Below 1 the peer is cheaper. "
        "“>”: it did not get there; the number is what it had spent by then, over our total."
    )
    return "## Cost ratio\n\n" + text + "\n\n" + rows_of([["peer / ours", "median task", *names], *lines])


def _wins(document: Document) -> str:
    lines = [
        [wins["ours"], wins["other"], wins["at"], str(wins["n_tasks"]), f"{wins['share'][0]:.2f} [{wins['share'][1]:.2f}, {wins['share'][2]:.2f}]"]
        for wins in document["wins"]
        if wins["share"] is not None
    ]
    if not lines:
        return ""
    text = "How often one of our studies has a lower test loss than one of the peer's, mean over tasks; 95 % interval from resampling tasks and studies."
    return "## Share of tasks won\n\n" + text + "\n\n" + rows_of([["ours", "peer", "peer's cost", "tasks", "share won"], *lines])


def _task(document: Document, name: str) -> str:
    task = document["tasks"][name]
    if task["facts"] is None or task["oracle"] is None:
        return f"## {name}\n\nNot measured: its reference is not complete."
    facts, reference, oracle = task["facts"], task["reference"], task["oracle"]
    text = (
        f"{facts['optimizer']}, {facts['parameters']:,} parameters; "
        f"{facts['n_train']:,} training, {facts['n_valid']:,} validation, {facts['n_test']:,} test examples. "
        f"{reference['n']} random settings: best test loss {reference['best']:.4f}, median {number(reference['median'], digits=4)}, "
        f"{reference['diverged']} diverged. "
        f"Oracle {oracle['test']:.4f}, standard deviation between seeds {number(oracle['spread'], digits=4)} ({oracle['n']} retrainings)."
    )
    metric = next(iter(facts["metrics"]), None)
    lines = [["method", "percentile", "regret", "failed", "test loss", metric or "", "search, total", "CPU s of the search", "studies"]]
    lines += [_line(result, metric) for result in document["results"] if result["task"] == name]
    lines += [_snapshot_line(one) for one in document["snapshots"] if one["task"] == name and one["percentile"] is not None]
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
        f"{number(result['search'])}, {number(result['total'])}",
        number(result["seconds"], digits=1),
        f"{result['n_studies']}" + (f", {result['n_crashed']} crashed: {'; '.join(result['why'])}".replace("|", "/") if result["n_crashed"] else ""),
    ]


def _missing(document: Document) -> str:
    lines = document["missing"]
    return "" if not lines else "## Missing\n\n" + "\n".join(f"- {line}" for line in lines)
