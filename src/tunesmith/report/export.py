"""A plan as something to take away: Python code that needs torch alone, TOML, or JSON.

Where torch ships a scheduler with the plan's curve, the code uses it (`torch_twins`). Else it holds the plan's schedules as corners, found by walking the
schedule itself, so that there is one definition of each.
A plan may come from a stranger: only numbers and known names reach the code.
"""

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from tunesmith.errors import InputError
from tunesmith.report.finite import finite_json
from tunesmith.report.torch_twins import digits, torch_twin
from tunesmith.schedules import SCHEDULES, lr_schedule, momentum_schedule, triangular
from tunesmith.schedules.cyclical import SHRUNK_TO

if TYPE_CHECKING:
    from tunesmith.plan import Plan
    from tunesmith.settings import Json, Settings

Corners = list[tuple[int, float]]

COSINE_NAMES = ("cosine", "one_cycle_fastai", "one_cycle_fastai_v1")
_KINK = 1e-9
"""A step is a corner where the schedule bends by this share of its largest value; rounding bends it by 1e-16."""

_PARAM_GROUPS = """\
# Weights decay; biases and the parameters of norms do not, as in the runs behind this plan.
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
norms = [layer for layer in model.modules() if isinstance(layer, NORMS)]
of_norms = {id(p) for layer in norms for p in layer.parameters(recurse=False)}
trained = [p for p in model.parameters() if p.requires_grad]
decaying = [p for p in trained if p.ndim > 1 and id(p) not in of_norms]
others = [p for p in trained if p.ndim <= 1 or id(p) in of_norms]
groups = [{"params": decaying, "weight_decay": WEIGHT_DECAY}] if decaying else []
groups += [{"params": others, "weight_decay": 0.0}] if others else []
"""

_CUSTOM_PARAM_GROUPS = """\
# Your own parameter groups, as in the runs behind this plan: `param_groups(model)` must be defined above.
groups = [
    {
        "params": group["params"],
        "lr": MAX_LR * group.get("lr_scale", 1.0),
        "weight_decay": WEIGHT_DECAY * group.get("weight_decay_scale", 1.0),
    }
    for group in param_groups(model)
]
"""

_OPTIMIZERS = {
    "sgd": "optimizer = torch.optim.SGD(groups, lr=MAX_LR, momentum={momentum})",
    "nesterov": "optimizer = torch.optim.SGD(groups, lr=MAX_LR, momentum={momentum}, nesterov=True)",
    "adam": "optimizer = torch.optim.Adam(groups, lr=MAX_LR, betas=({momentum}, 0.999))",
    "adamw": "optimizer = torch.optim.AdamW(groups, lr=MAX_LR, betas=({momentum}, 0.999))",
}

_CUSTOM_OPTIMIZER = """\
# This plan was tuned with your own maker of optimizers: call it here, so that `optimizer` is
# defined from here on, at learning rate MAX_LR, momentum {momentum}, weight decay WEIGHT_DECAY."""

_VALUE_AT = '''\
def value_at(corners, step):
    """{shape} between corners (update, value); beyond the last its value."""
    for (left, low), (right, high) in zip(corners, corners[1:]):
        if step < right:
            share = max(0, step - left) / (right - left)
            return low + (high - low) * {ease}
    return corners[-1][1]
'''

_SET_MOMENTUM = '''\
def set_momentum(step):
    """Momentum falls while the learning rate rises, and returns."""
    momentum = {momentum}
    for group in optimizer.param_groups:
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum
'''

_SHAPE = "shape(min(step, TOTAL_STEPS - 1), TOTAL_STEPS)"
_SHRINKING = "value_at(TRIANGLES, step) * SHRINK ** min(step, TOTAL_STEPS - 1)"


def export_torch(plan: "Plan") -> str:
    """Python code that makes the plan's optimizer and moves learning rate and momentum, given a network `model`; it imports torch alone.

    Args:
        plan: A plan with settings. With the task's own optimizer, parameter groups or schedule the code says what must be defined above it.

    Raises:
        InputError: A plan without settings, or with a schedule that is not known.

    Example:
        >>> from tunesmith.plan import Plan, StudyOutcome
        >>> from tunesmith.settings import Settings
        >>> plan = Plan(outcome=StudyOutcome.RECOMMENDED, settings=Settings(lr=0.5), optimizer_name="sgd", n_train=6400, total_steps=1000)
        >>> [line for line in export_torch(plan).splitlines() if line.startswith(("LR", "optimizer"))]
        ['optimizer = torch.optim.SGD(groups, lr=MAX_LR, momentum=0.9)', 'LR = [(0, 0.05), (450, 0.5), (899, 0.00111111111111), (900, 5e-05), (999, 5e-05)]']
    """
    settings, total_steps = _settings_of(plan), int(plan.total_steps)
    moves_momentum = settings.momentum != settings.resolved_min_momentum
    # torch's own refuse to move the momentum of an optimizer whose defaults know none, which a custom one's may not.
    twin = None if moves_momentum and plan.optimizer_name not in _OPTIMIZERS else torch_twin(settings, total_steps=total_steps)
    blocks = [
        _head(plan, settings, needs_math=twin is None and settings.schedule in COSINE_NAMES),
        _CUSTOM_PARAM_GROUPS if plan.has_custom_param_groups else _PARAM_GROUPS,
        _optimizer(plan, settings),
    ]
    if twin is not None:
        return _joined([*blocks, twin, _loop(plan, sets_momentum=False)])
    blocks += _learning_rate(settings, total_steps=total_steps)
    if moves_momentum:
        blocks += _momentum(settings, total_steps=total_steps)
    return _joined([*blocks, _loop(plan, sets_momentum=moves_momentum)])


def export_toml(plan: "Plan") -> str:
    """The plan as `plan.toml` holds it, without seconds, so that the same study gives the same text.

    Raises:
        InputError: A plan without settings.
    """
    import tomli_w  # noqa: PLC0415 (loaded only when asked for)

    _settings_of(plan)
    document = plan.to_dict()
    document["cost"] = {name: value for name, value in plan.cost.to_dict().items() if name != "seconds"}
    return tomli_w.dumps({name: _without_null(value) for name, value in document.items() if value is not None})


def export_json(plan: "Plan") -> str:
    """The plan as the JSON document of `tunesmith tune --format json`.

    Raises:
        InputError: A plan without settings.
    """
    _settings_of(plan)
    return json.dumps(finite_json(plan.to_dict()), indent=2, allow_nan=False)


def _settings_of(plan: "Plan") -> "Settings":
    if plan.settings is None:
        raise InputError(f"A plan must hold settings to be exported, and this study ended with '{plan.outcome}'. " + " ".join(plan.advice))
    if plan.settings.schedule != "task" and plan.settings.schedule not in SCHEDULES:
        raise InputError(f"A plan's schedule must be 'task' or one of {', '.join(SCHEDULES)}, got {plan.settings.schedule!r}. Use the tunesmith that made it.")
    return plan.settings


def _without_null(value: "Json") -> "Json":
    """TOML has no null: such keys are left out, and in a list it becomes NaN, which TOML does know."""
    if isinstance(value, dict):
        return {name: _without_null(inner) for name, inner in value.items() if inner is not None}
    return [math.nan if inner is None else _without_null(inner) for inner in value] if isinstance(value, list) else value


def _joined(blocks: list[str]) -> str:
    """The blocks with a blank line between them, two around functions."""
    text = ""
    for before, block in zip(["", *blocks], blocks, strict=False):
        gap = "" if not before else "\n\n" if before.startswith("def ") or block.startswith("def ") else "\n"
        text += gap + block.rstrip("\n") + "\n"
    return text


def _head(plan: "Plan", settings: "Settings", *, needs_math: bool) -> str:
    length = f"{plan.epochs:.4g} passes over {int(plan.n_train)} examples at total batch size {int(settings.batch_size)}"
    micro = f", in micro-batches of {int(plan.micro_batch_size)}" if plan.micro_batch_size else ""
    imports = "import math\n\nimport torch" if needs_math else "import torch"
    return (
        "# Optimizer and schedule of a tunesmith plan, plain torch; `model` is your network.\n"
        f"{imports}\nfrom torch import nn\n\n"
        f"TOTAL_STEPS = {int(plan.total_steps)}  # updates: {length}{micro}\n"
        f"MAX_LR = {digits(settings.lr)}\n"
        f"WEIGHT_DECAY = {digits(settings.weight_decay)}\n"
    )


def _optimizer(plan: "Plan", settings: "Settings") -> str:
    name = plan.optimizer_name
    if name == "nesterov" and settings.momentum == 0:
        name = "sgd"  # torch refuses Nesterov's step without momentum, and without momentum it is the plain step
    return _OPTIMIZERS.get(name, _CUSTOM_OPTIMIZER).format(momentum=digits(settings.momentum))


def _corners(schedule: Callable[[int], float], *, total_steps: int) -> Corners:
    """The steps where `schedule` bends, with the first and the last."""
    values = [schedule(step) for step in range(total_steps)]
    bend = _KINK * max(abs(value) for value in values)
    inner = [step for step in range(1, total_steps - 1) if abs(values[step - 1] - 2 * values[step] + values[step + 1]) > bend]
    return [(step, values[step]) for step in sorted({0, *inner, total_steps - 1})]


def _ends(schedule: Callable[[int], float], *, total_steps: int) -> Corners:
    """The first step, the steps of the largest and smallest value, and the last: the corners of a schedule made of half cosines, or of level pieces."""
    values = [schedule(step) for step in range(total_steps)]
    firsts = {values.index(most) for most in (max(values), min(values))}
    lasts = {total_steps - 1 - values[::-1].index(most) for most in (max(values), min(values))}
    turns = {0, *firsts, *lasts, total_steps - 1}
    return [(step, values[step]) for step in sorted(turns)]


def _corner_text(corners: Corners) -> str:
    return "[" + ", ".join(f"({step}, {digits(value)})" for step, value in corners) + "]"


def _learning_rate(settings: "Settings", *, total_steps: int) -> list[str]:
    name = settings.schedule
    made = "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: {})"
    if name == "task":
        return ["# Your own schedule shape(step, total_steps), a factor in [0, 1], must be defined above.\n" + made.format(_SHAPE)]
    if name == "exp_range":
        low, height = settings.resolved_min_lr, settings.lr - settings.resolved_min_lr
        triangles = _corners(triangular(max_lr=1.0, min_lr=0.0, total_steps=total_steps, cycles=settings.resolved_cycles), total_steps=total_steps)
        corners = f"TRIANGLES = {_corner_text(triangles)}\nSHRINK = {SHRUNK_TO} ** (1 / {max(1, total_steps - 1)})"
        return [corners, _VALUE_AT.format(shape="Straight lines", ease="share"), made.format(f"({digits(low)} + {digits(height)} * {_SHRINKING}) / MAX_LR")]
    is_cosine = name in COSINE_NAMES
    value_at = _VALUE_AT.format(
        shape="Half cosines" if is_cosine else "Straight lines", ease="(0.5 - 0.5 * math.cos(math.pi * share))" if is_cosine else "share"
    )
    lr = lr_schedule(settings, total_steps=total_steps)
    return [f"LR = {_corner_text((_ends if is_cosine else _corners)(lr, total_steps=total_steps))}", value_at, made.format("value_at(LR, step) / MAX_LR")]


def _momentum(settings: "Settings", *, total_steps: int) -> list[str]:
    high, span = digits(settings.momentum), digits(settings.momentum - settings.resolved_min_momentum)
    if settings.schedule in ("task", "exp_range"):
        lift = _SHAPE if settings.schedule == "task" else _SHRINKING
        return [_SET_MOMENTUM.format(momentum=f"{high} - {span} * {lift}"), "set_momentum(0)"]
    find = _ends if settings.schedule in COSINE_NAMES else _corners
    corners = find(momentum_schedule(settings, total_steps=total_steps), total_steps=total_steps)
    return [f"MOMENTUM = {_corner_text(corners)}", _SET_MOMENTUM.format(momentum="value_at(MOMENTUM, step)"), "set_momentum(0)"]


def _loop(plan: "Plan", *, sets_momentum: bool) -> str:
    lines = ["# In the training loop, for each of TOTAL_STEPS updates:"]
    if plan.precision in ("bf16", "fp16"):
        lines.append(f"#     forward and loss under torch.autocast in {plan.precision}{', with a gradient scaler' if plan.precision == 'fp16' else ''}")
    if plan.clip_grad_norm is not None:
        lines.append(f"#     torch.nn.utils.clip_grad_norm_(model.parameters(), {digits(plan.clip_grad_norm)})")
    lines += ["#     optimizer.step()", "#     scheduler.step()"]
    if sets_momentum:
        lines.append("#     set_momentum(scheduler.last_epoch)")
    if plan.ema is not None:
        lines.append(f"# The plan's results are those of a moving average of the weights, decay {digits(plan.ema)} an update.")
    return "\n".join(lines) + "\n"
