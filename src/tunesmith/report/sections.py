"""The sections of the report in their order, and the first and last of them: what was found, what to use, what it cost, what is in doubt."""

from collections.abc import Callable

from tunesmith.errors import InputError
from tunesmith.plots.digits import number_text, seconds_text, trainings_text
from tunesmith.report.batch_size import batch_size_section
from tunesmith.report.clues import clues_section
from tunesmith.report.evidence import Evidence
from tunesmith.report.export import export_torch
from tunesmith.report.figure import Plots
from tunesmith.report.knobs import KnobRow, knob_rows, schedule_text, split_by_effect
from tunesmith.report.ladder import ladder_section
from tunesmith.report.markup import Markup, element, joined, table
from tunesmith.report.overlays import capacity_section, conditions_section
from tunesmith.report.range_tests import range_section
from tunesmith.report.story import advice, cost_sentence, doubts, headline, ledger, outcome_text, result_rows, result_sentence, spread_text, weights_sentence
from tunesmith.report.trials import confirm_section, knob_section
from tunesmith.report.wording import plain, probe_title
from tunesmith.settings import Json

KNOB_PROBES = ("peak_lr", "min_lr", "batch_size", "momentum", "momentum_cycle", "weight_decay")
_PLACED = frozenset({"bracket", "lr_range", "lr_range_under", "capacity", "ladder", "confirm", "current", "current_quarter", *KNOB_PROBES})

_COUNTING = (
    "A full training is the longest one that the task allows, forward and backward; forward alone counts a third. A run that two stages share is counted once."
)

Section = tuple[str, str, Markup]
"""Anchor, title and body."""
Maker = tuple[str, str, Callable[[], Markup]]
"""A section that is made only where it comes."""


def all_sections(evidence: Evidence, plots: Plots) -> list[Markup]:
    """The page from headline to footer."""
    others = [experiment.probe for experiment in evidence.experiments if experiment.probe not in _PLACED]
    confirmed: Maker = ("confirmed", "Confirmed", lambda: confirm_section(evidence, plots))
    is_ladder = evidence.experiment("ladder") is not None
    makers: list[Maker] = [
        ("plan", "The plan", lambda: _plan(evidence)),
        ("code", "Code to paste", lambda: _code(evidence)),
        *([confirmed] if is_ladder else []),
        ("ladder", probe_title("ladder"), lambda: ladder_section(evidence, plots)),
        ("range", "Range tests", lambda: range_section(evidence, plots)),
        ("conditions", probe_title("lr_range_under"), lambda: conditions_section(evidence, plots)),
        ("capacity", probe_title("capacity"), lambda: capacity_section(evidence, plots)),
        *((probe.replace("_", "-"), probe_title(probe), _knob_maker(evidence, plots, probe)) for probe in (*KNOB_PROBES, *others)),
        *([] if is_ladder else [confirmed]),
        ("clues", "The clues", lambda: clues_section(evidence, plots)),
        ("matters", "What matters and what does not", lambda: _effects(evidence)),
        ("doubts", "What is not established", lambda: _doubts(evidence)),
        ("cost", "What it cost", lambda: _cost(evidence)),
        ("study", "Settings of the study", lambda: _study(evidence)),
    ]
    sections = [(anchor, title, body) for anchor, title, make in makers if (body := make())]
    return [
        _opening(evidence, sections),
        *(element("section", element("h2", title), body, id=f"section-{plain(anchor)}") for anchor, title, body in sections),
        element("footer", f"Made by tunesmith from the records of the study. Nothing on this page is fetched from anywhere. {_version(evidence)}"),
    ]


def _knob_maker(evidence: Evidence, plots: Plots, probe: str) -> Callable[[], Markup]:
    return lambda: batch_size_section(evidence, plots) if probe == "batch_size" else knob_section(evidence, plots, probe)


def _version(evidence: Evidence) -> str:
    versions = evidence.description.get("versions")
    return f"tunesmith {versions['tunesmith']}." if isinstance(versions, dict) and isinstance(versions.get("tunesmith"), str) else ""


def _opening(evidence: Evidence, sections: list[Section]) -> Markup:
    links = [element("a", title, href=f"#section-{plain(anchor)}") for anchor, title, _ in sections]
    has_cost = evidence.cost.total > 0 or evidence.cost.seconds > 0
    return element(
        "header",
        element("p", element("span", outcome_text(evidence), class_="outcome"), f" · {evidence.name}", class_="eyebrow"),
        element("h1", headline(evidence)),
        element("p", " ".join(filter(None, (result_sentence(evidence), f"Cost: {cost_sentence(evidence)}" if has_cost else ""))), class_="lead"),
        _advice(evidence),
        element("nav", *links, aria_label="Contents") if len(links) > 1 else Markup(""),
    )


def _advice(evidence: Evidence) -> Markup:
    sentences = advice(evidence)
    return element("ul", *(element("li", sentence) for sentence in sentences), class_="advice") if sentences else Markup("")


def _plan(evidence: Evidence) -> Markup:
    plan, rows = evidence.plan, knob_rows(evidence)
    if plan is None or not rows:
        return Markup("")
    cells = [(joined([row.title, element("code", row.name)]), row.value, row.interval or "not measured", row.effect.text) for row in rows]
    caption = (
        f"Optimizer {plain(plan.optimizer_name)}, schedule {schedule_text(plan)}. Interval: values that the evidence cannot tell from the one chosen. "
        "How much it matters: the rise of the final validation loss from the best to the worst value tried, in short annealed runs, "
        "at the values tried there, before the peak was carried to the full length"
        f"{'; of the batch size, the predicted time to the same loss' if evidence.experiment('batch_size') is not None else ''}."
    )
    return joined([table(("", "Value", "Interval", "How much it matters"), cells, class_="plan"), element("p", caption, class_="quiet"), _results(evidence)])


def _results(evidence: Evidence) -> Markup:
    rows = result_rows(evidence)
    if not rows:
        return element("p", "No full training has confirmed these settings.", class_="quiet")
    goal = plain(evidence.goal)
    has_test = any(row.test is not None for row in rows)
    head = ("", f"Validation {goal}", *([f"Test {goal}"] if has_test else []), "Seeds", "Steps")
    cells = [(row.name, spread_text(row.valid), *([spread_text(row.test)] if has_test else []), f"{len(row.seeds)}", number_text(row.steps)) for row in rows]
    better = "higher" if evidence.goal_is_higher_better else "lower"
    note = f"Trained to the end on seeds that the search did not use; mean, and lowest to highest where there are several. For the {goal}, {better} is better."
    return joined(
        [
            element("h3", "Confirmed beside the current settings" if len(rows) > 1 else "Confirmed"),
            table(head, cells, class_="results"),
            element("p", note, class_="quiet"),
            element("p", weights_sentence(evidence), class_="quiet"),
        ]
    )


def _code(evidence: Evidence) -> Markup:
    if evidence.plan is None or evidence.plan.settings is None:
        return Markup("")
    try:
        code = export_torch(evidence.plan)
    except InputError as error:
        return element("p", str(error))
    # Built by hand: an element would put the code in one line. It holds numbers and known names only, and is escaped all the same.
    escaped = code.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    note = "Plain torch: the optimizer and the schedule, for a network named model. The same text as tunesmith export --to torch."
    return joined([element("p", note, class_="quiet"), element("div", Markup(f"<pre>{escaped}</pre>"), class_="code")])


def _effects(evidence: Evidence) -> Markup:
    matters, level, untested = split_by_effect(knob_rows(evidence))
    blocks = [("Matters", matters), ("Does not, as far as was seen", level), ("Not tested", untested)]
    columns = [joined([element("h3", title), element("ul", *(_effect(row) for row in rows))]) for title, rows in blocks if rows]
    return element("div", *(element("div", column) for column in columns), class_="columns") if columns else Markup("")


def _effect(row: KnobRow) -> Markup:
    return element("li", f"{row.title}: {row.effect.text}") if row.effect.matters is not None else element("li", row.title)


def _doubts(evidence: Evidence) -> Markup:
    items = [element("li", element("b", f"{subject}."), f" {doubt}") for subject, doubt in doubts(evidence)]
    return element("ul", *items, class_="findings doubts") if items else Markup("")


def _cost(evidence: Evidence) -> Markup:
    rows = ledger(evidence)
    if not rows:
        return Markup("")
    cells: list[tuple[str, ...]] = [
        (row.name, f"{row.runs:,}" if row.runs else "", trainings_text(row.full_trainings), seconds_text(row.seconds)) for row in rows
    ]
    cells.append(("Total", f"{sum(row.runs for row in rows):,}", trainings_text(evidence.cost.total), seconds_text(evidence.cost.seconds)))
    note = _COUNTING
    return joined([table(("Stage", "Runs", "Full trainings", "Time"), cells, numbers=(1, 2, 3), class_="ledger"), element("p", note, class_="quiet")])


def _study(evidence: Evidence) -> Markup:
    rows = _flat({name: value for name, value in evidence.description.items() if name not in ("versions", "thresholds")})
    blocks = [table(("Setting", "Value"), rows)] if rows else []
    for title, value in (
        ("Versions", evidence.description.get("versions")),
        ("Thresholds of judgement", evidence.description.get("thresholds")),
        ("Notes", evidence.notes),
    ):
        inner = _flat(value) if isinstance(value, dict) else []
        if inner:
            blocks.append(element("details", element("summary", title), table(("Name", "Value"), inner)))
    return joined(blocks)


def _flat(value: dict[str, Json], *, prefix: str = "") -> list[tuple[str, str]]:
    """Nested names joined by dots, values as text."""
    rows: list[tuple[str, str]] = []
    for name, inner in value.items():
        title = prefix + plain(str(name)).replace("_", " ")
        if isinstance(inner, dict):
            rows += _flat(inner, prefix=f"{title}: ")
        else:
            rows.append((title, _value_text(inner)))
    return rows


def _value_text(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, (int, float)):
        return number_text(value, digits=6)
    return ", ".join(_value_text(item) for item in value) if isinstance(value, list) else str(value)
