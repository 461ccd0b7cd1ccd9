"""The result as Markdown."""

from benchmarks.finders.summary import Document
from benchmarks.proof.table import rows_of
from benchmarks.proof.wording import described, number


def table(document: Document) -> str:
    """The whole page."""
    parts = [_head(document), _methods(document), *(_task(document, name) for name in document["tasks"]), _failures(document)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(document: Document) -> str:
    made, tasks = document["made"], document["tasks"]
    machines = "\n".join(f"- {described(machine)}" for machine in made["machines"])
    hours = sum(task["cpu_hours"] for task in tasks.values())
    return (
        "# Learning-rate finders\n\n"
        f"`{made['command']}`, from rows that were trained on\n\n{machines}\n\n"
        f"{hours:.1f} hours of one core. Every training is a full one: 1cycle from a tenth of the learning rate up to it, momentum .9, batches of 64,\n"
        "weight decay .01 for AdamW, else none. For each task and seed, twelve learning rates are trained in full on that seed, and the best by validation\n"
        f"loss again on the fresh seeds {', '.join(map(str, made['fresh_seeds']))}; a suggestion made with that seed is trained on the same three.\n"
        "Within: its mean test loss is at most the best's plus 10 %, or plus two standard deviations between seeds where that is more (of the best rates'\n"
        "retrainings, the task's median). A suggestion that fails, or diverges, is not within. Ratio: test loss over the best's, the median pair.\n"
        "Spread: largest over smallest suggestion of the seeds."
    )


def _methods(document: Document) -> str:
    lines = [
        [
            "finder",
            "within",
            "95 % interval (Wilson)",
            "ratio",
            "failed",
            "diverged",
            "search, full trainings",
            *(f"{name}: within" for name in document["tasks"]),
        ]
    ]
    lines += [_line(method) for method in document["methods"]]
    return "## Over all pairs\n\n" + rows_of(lines)


def _line(method: Document) -> list[str]:
    if not method["n"]:
        return [method["method"], "not run yet", *[""] * (5 + len(method["tasks"]))]
    low, high = method["interval"]
    missing = f", {method['n_missing']} missing" if method["n_missing"] else ""
    return [
        method["method"] + ("" if method["is_current"] else " (of an earlier code)"),
        f"{method['n_within']} of {method['n']}{missing}",
        f"{low:.2f} to {high:.2f}",
        number(method["ratio"]),
        str(method["n_failed"]),
        str(method["n_diverged"]),
        number(method["search"]),
        *("" if task is None else f"{task['n_within']} of {task['n']}" for task in method["tasks"].values()),
    ]


def _task(document: Document, name: str) -> str:
    task = document["tasks"][name]
    if task["facts"] is None:
        return f"## {name}\n\nNot loaded yet."
    seeds = [found for found in task["seeds"] if found["best_lr"] is not None]
    best = ", ".join(f"{found['best_lr']:.3g}" + (" (at the end)" if found["is_at_end"] else "") for found in seeds)
    plateau = "" if task["plateau"] is None else f" Mean test loss within 10 % of the lowest from {task['plateau'][0]:.3g} to {task['plateau'][1]:.3g}."
    text = (
        f"{task['facts']['optimizer']}, {task['facts']['parameters']:,} parameters; tried {task['rates'][0]:.3g} to {task['rates'][-1]:.3g}. "
        f"Best at each seed: {best or 'not known yet'}.{plateau} Standard deviation between seeds {number(task['spread'], digits=4)}."
    )
    lines = [["finder", "within", "suggested: median", "spread", "over the best", "ratio"]]
    lines += [_on_task(method["method"], method["tasks"][name]) for method in document["methods"] if method["tasks"][name] is not None]
    return f"## {name}\n\n{text}\n\n" + rows_of(lines)


def _on_task(name: str, task: Document) -> list[str]:
    within = f"{task['n_within']} of {task['n']}"
    if task["lr"] is None:
        return [name, within, "none", "", "", number(task["ratio"])]
    return [name, within, f"{task['lr']:.3g}", number(task["lr_spread"], digits=1), number(task["lr_over_best"]), number(task["ratio"])]


def _failures(document: Document) -> str:
    failed = [pair for pair in document["pairs"] if pair["state"] == "failed"]
    lines = [f"- {pair['method']}, {pair['task']}, seed {pair['seed']}: {pair['why']}" for pair in failed]
    return "## Failures\n\n" + "\n".join(lines) if lines else ""
