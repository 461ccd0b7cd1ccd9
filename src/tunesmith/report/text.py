"""A study as plain text of at most 100 columns, for `tunesmith show`, and as one JSON object."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tunesmith.experiment import Arm, Experiment
from tunesmith.plan import PLAN_VERSION
from tunesmith.plots.digits import number_text, seconds_text, trainings_text
from tunesmith.report.evidence import Evidence, read_evidence
from tunesmith.report.finite import finite_json
from tunesmith.report.knobs import knob_rows, schedule_text, split_by_effect
from tunesmith.report.story import advice, cost_sentence, doubts, headline, ledger, outcome_text, result_rows, result_sentence, spread_text, weights_sentence
from tunesmith.report.wording import confidence_word, ended, plain, probe_title
from tunesmith.settings import Json

if TYPE_CHECKING:
    from tunesmith.study import Study

COLUMNS = 100
_INDENT = "  "
_GAP = 2
_LAST_COLUMN = 30
"""The last column of a table may be narrowed to this."""


def summarize(study: "Study") -> str:
    """What a study says: outcome, plan, cost, results on fresh seeds, what matters, what is not established, advice.

    Args:
        study: Open for reading; it may be unfinished or empty.

    Returns:
        Lines of at most 100 columns, without a newline at the end.
    """
    evidence = read_evidence(study)
    blocks = [
        [*_wrapped(f"{outcome_text(evidence)} · {evidence.name}", indent=""), *_wrapped(f"{headline(evidence)} {result_sentence(evidence)}", indent="")],
        _plan_block(evidence),
        _result_block(evidence),
        _effect_block(evidence),
        _ladder_block(evidence),
        _verdict_block(evidence),
        _bullets("What is not established", (f"{subject}: {doubt}" for subject, doubt in doubts(evidence))),
        _ledger_block(evidence),
        _bullets("Advice", advice(evidence)),
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block)


def study_to_json(study: "Study") -> dict[str, Json]:
    """The JSON document of `tunesmith tune` with "experiments": their arms (label, value, final validation loss, outcome, cost), findings and verdict.

    Before the study has ended "outcome" and "plan" are null. What is not finite, such as the loss of a run that did not finish, is null.
    """
    evidence = read_evidence(study)
    document: dict[str, Json] = (
        {
            "version": PLAN_VERSION,
            "outcome": None,
            "plan": None,
            "cost": None,
            "confirmed": None,
            "current": None,
            "findings": [],
            "advice": list(advice(evidence)),
        }
        if evidence.plan is None
        else evidence.plan.to_dict()
    )
    document["cost"] = evidence.cost.to_dict()
    document["experiments"] = [_experiment_to_json(evidence, experiment) for experiment in evidence.experiments]
    return {name: finite_json(value) for name, value in document.items()}


def _experiment_to_json(evidence: Evidence, experiment: Experiment) -> dict[str, Json]:
    return {
        "probe": experiment.probe,
        "arms": [_arm_to_json(evidence, arm) for arm in experiment.arms],
        "findings": [finding.to_dict() for finding in experiment.findings],
        "verdict": experiment.verdict,
    }


def _arm_to_json(evidence: Evidence, arm: Arm) -> dict[str, Json]:
    curve = arm.run.curve
    return {
        "label": arm.label,
        "value": arm.value,
        "seed": arm.run.spec.seed,
        "total_steps": arm.run.spec.total_steps,
        "final_valid_loss": curve.final_valid_loss,
        "outcome": str(curve.outcome),
        "cost": evidence.full_trainings(arm.run),
    }


def _plan_block(evidence: Evidence) -> list[str]:
    plan, rows = evidence.plan, knob_rows(evidence)
    if plan is None or not rows:
        return []
    head = f"Plan: {plain(plan.optimizer_name)}, {schedule_text(plan)}"
    cells = [("", "value", "interval", "how much it matters, in short runs")]
    cells += [(row.title, row.value, row.interval or number_text(None), row.effect.text) for row in rows]
    return [*_wrapped(head, indent=""), *_table(cells)]


def _result_block(evidence: Evidence) -> list[str]:
    rows = result_rows(evidence)
    if not rows:
        return []
    goal = plain(evidence.goal)
    has_test = any(row.test is not None for row in rows)
    cells = [("", f"validation {goal}", *([f"test {goal}"] if has_test else []), "seeds", "steps")]
    cells += [(row.name, spread_text(row.valid), *([spread_text(row.test)] if has_test else []), f"{len(row.seeds)}", number_text(row.steps)) for row in rows]
    weights = weights_sentence(evidence)
    return ["Trained to the end on fresh seeds (mean, lowest to highest)", *_table(cells), *(_wrapped(weights, indent="  ") if weights else [])]


def _effect_block(evidence: Evidence) -> list[str]:
    matters, level, untested = split_by_effect(knob_rows(evidence))
    lines: list[str] = []
    for title, rows in (("What matters", matters), ("What does not, as far as was seen", level), ("What was not tested", untested)):
        if rows:
            lines += [f"{title}: {', '.join(row.title.lower() for row in rows)}"]
    return [wrapped for line in lines for wrapped in _wrapped(line, indent="")]


def _ladder_block(evidence: Evidence) -> list[str]:
    if evidence.experiment("ladder") is None:
        return []
    from tunesmith.plots.ladder_facts import ladder_facts  # noqa: PLC0415 (the readings need numpy, which `tunesmith --help` can do without)
    from tunesmith.report.ladder_table import contrast_lead, contrast_lines, ladder_of, ladder_table  # noqa: PLC0415

    reading = ladder_of(evidence)
    if reading is None:
        return []
    head, rows = ladder_table(ladder_facts(reading, goal=evidence.goal, higher_is_better=evidence.goal_is_higher_better))
    cells = [tuple(title.lower() for title in head), *((*row.choice, *(f"{said}{' *' if won else ''}" for said, won in row.results)) for row in rows)]
    title = f"{probe_title('ladder')}: final validation {plain(evidence.goal)}, in brackets the number of seeds; * the best of its length, on shared seeds"
    return [*_wrapped(title, indent=""), *_table(cells), *_bullets(contrast_lead(reading), (f"{knob}: {said}." for knob, said in contrast_lines(reading)))]


def _verdict_block(evidence: Evidence) -> list[str]:
    lines: list[str] = []
    for experiment in evidence.experiments:
        said = (
            [ended(experiment.verdict)]
            if experiment.verdict.strip()
            else [_finding_sentence(finding.kind, finding.evidence, finding.confidence) for finding in experiment.findings]
        )
        title = probe_title(experiment.probe)
        said += _noise_of(evidence) if experiment.probe == "batch_size" else []
        lines += [sentence if sentence.startswith(f"{title}:") else f"{title}: {sentence}" for sentence in said]
    return _bullets("What was read", lines)


def _noise_of(evidence: Evidence) -> list[str]:
    """What the noise of the gradients says of the batch size."""
    from tunesmith.report.batch_size_words import batch_size_of, doubling_sentence, noise_sentence  # noqa: PLC0415 (needs numpy)

    facts = batch_size_of(evidence)
    said = "" if facts is None else " ".join(filter(None, (noise_sentence(facts), doubling_sentence(facts))))
    return [said] if said else []


def _finding_sentence(kind: str, evidence: str, confidence: float) -> str:
    return f"{plain(kind).replace('_', ' ')} ({confidence_word(confidence)}). {ended(evidence)}"


def _ledger_block(evidence: Evidence) -> list[str]:
    rows = ledger(evidence)
    if not rows:
        return []
    cells = [("", "runs", "full trainings", "time")]
    cells += [(row.name, f"{row.runs}", trainings_text(row.full_trainings), seconds_text(row.seconds)) for row in rows]
    return [*_wrapped(f"Cost: {cost_sentence(evidence)}", indent=""), *_table(cells)]


def _bullets(title: str, sentences: Iterable[str]) -> list[str]:
    lines = [line for sentence in sentences for line in _wrapped(sentence, indent=_INDENT, bullet="- ")]
    return [title, *lines] if lines else []


def _wrapped(text: str, *, indent: str, bullet: str = "") -> list[str]:
    return textwrap.wrap(plain(text), COLUMNS, initial_indent=indent + bullet, subsequent_indent=indent + " " * len(bullet), break_on_hyphens=False) or [""]


def _table(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows in aligned columns; what does not fit in the last column is wrapped below itself, what does not fit before it is cut."""
    cells = [[plain(cell) for cell in row] for row in cells]
    widths = _column_widths(cells)
    start = len(_INDENT) + sum(widths) + _GAP * len(widths)
    lines: list[str] = []
    for row in cells:
        head = _INDENT + "".join(f"{_cut(cell, width):{width}}" + " " * _GAP for cell, width in zip(row, widths, strict=False))
        tail = textwrap.wrap(row[-1], COLUMNS - start) or [""]
        lines += [head + tail[0], *(" " * start + line for line in tail[1:])]
    return lines


def _column_widths(cells: Sequence[Sequence[str]]) -> list[int]:
    """Widths of all columns but the last, the widest narrowed until that one has room."""
    widths = [max(len(row[index]) for row in cells) for index in range(len(cells[0]) - 1)]
    room = COLUMNS - len(_INDENT) - _GAP * len(widths) - min(_LAST_COLUMN, max(len(row[-1]) for row in cells))
    while sum(widths) > room:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
