"""Schedules that torch ships under another name, as code: `OneCycleLR` and `CyclicLR` with the arguments that give a plan's own curve.

The rest (the author's one_cycle, whose fall ends at zero and whose tail is flat, and every shape that torch has without momentum) stays a list of corners.
"""

from typing import TYPE_CHECKING

from tunesmith.schedules import SCHEDULES, lr_schedule
from tunesmith.schedules.cyclical import SHRUNK_TO, cycles_that_fit
from tunesmith.settings import USUAL_CYCLES

if TYPE_CHECKING:
    from tunesmith.settings import Settings

_ONE_CYCLES = {"one_cycle_text": ('anneal_strategy="linear"', "three_phase=True"), "one_cycle_fastai": (), "one_cycle_fastai_v1": ()}
_FEWEST_STEPS = 4
"""A shorter run has not all the corners that torch's have."""

_ONE_CYCLE_COMMENT = """\
# torch's own scheduler, with the plan's curve: its rise ends at update pct_start * TOTAL_STEPS - 1.
# A list for max_lr keeps the ratios of parameter groups. One step an update, and none beyond
# TOTAL_STEPS: there torch extrapolates, and a step later it raises."""

_CYCLIC_COMMENT = """\
# torch's own scheduler, with the plan's curve{distance}.
# Lists keep the ratios of parameter groups. One step an update, and none beyond TOTAL_STEPS:
# there another cycle would begin."""
_HALF_A_STEP = " to within half a step\n# (some corners fall between two updates)"


def torch_twin(settings: "Settings", *, total_steps: int) -> str | None:
    """Code that makes torch's own scheduler for `optimizer`, whose learning rates stand at their peaks; None where torch has none with this curve.

    `OneCycleLR` gives the curve to rounding, because `pct_start` is chosen so that its phases, which end a step early, end where the plan's do. `CyclicLR` does
    where half a cycle is a whole number of updates; else within half a step, as the plan's corners stand on the nearest update.

    Args:
        settings: The plan's knobs.
        total_steps: The plan's length.

    Example:
        >>> from tunesmith.settings import Settings
        >>> print(torch_twin(Settings(lr=0.5, schedule="one_cycle_fastai_v1"), total_steps=100).partition("raises.")[2].strip())
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=TOTAL_STEPS,
            pct_start=31 / TOTAL_STEPS,
            div_factor=25.0,
            final_div_factor=10000.0,
            cycle_momentum=False,
        )
    """
    if total_steps < _FEWEST_STEPS:
        return None
    if settings.schedule in USUAL_CYCLES:
        return _cyclic(settings, total_steps=total_steps)
    if settings.schedule in _ONE_CYCLES and settings.resolved_min_lr > 0:  # torch divides by the start
        return _one_cycle(settings, total_steps=total_steps)
    return None


def _one_cycle(settings: "Settings", *, total_steps: int) -> str:
    lift = SCHEDULES[settings.schedule](max_lr=1.0, min_lr=0.0, total_steps=total_steps)
    peak = max(range(total_steps), key=lift)
    start, final = settings.resolved_min_lr, lr_schedule(settings, total_steps=total_steps)(total_steps - 1)
    arguments = [
        'max_lr=[group["lr"] for group in optimizer.param_groups]',
        "total_steps=TOTAL_STEPS",
        f"pct_start={peak + 1} / TOTAL_STEPS",
        *_ONE_CYCLES[settings.schedule],
        f"div_factor={digits(settings.lr / start)}",
        f"final_div_factor={digits(start / final)}",
    ]
    return _made("OneCycleLR", _ONE_CYCLE_COMMENT, [*arguments, *_momentum(settings)])


def _cyclic(settings: "Settings", *, total_steps: int) -> str:
    halves = 2 * cycles_that_fit(settings.resolved_cycles, total_steps=total_steps)
    arguments = [
        f'base_lr=[{digits(settings.resolved_min_lr / settings.lr)} * group["lr"] for group in optimizer.param_groups]',
        'max_lr=[group["lr"] for group in optimizer.param_groups]',
        f"step_size_up=(TOTAL_STEPS - 1) / {halves}",
        f'mode="{settings.schedule}"',
    ]
    if settings.schedule == "exp_range":
        arguments.append(f"gamma={SHRUNK_TO} ** (1 / (TOTAL_STEPS - 1))")
    comment = _CYCLIC_COMMENT.format(distance=_HALF_A_STEP if (total_steps - 1) % halves else "")
    return _made("CyclicLR", comment, [*arguments, *_momentum(settings)])


def _momentum(settings: "Settings") -> list[str]:
    if settings.momentum == settings.resolved_min_momentum:
        return ["cycle_momentum=False"]
    return [f"max_momentum={digits(settings.momentum)}", f"base_momentum={digits(settings.resolved_min_momentum)}"]


def _made(name: str, comment: str, arguments: list[str]) -> str:
    lines = "".join(f"    {argument},\n" for argument in ["optimizer", *arguments])
    return f"{comment}\nscheduler = torch.optim.lr_scheduler.{name}(\n{lines})"


def digits(value: float) -> str:
    """A number as the code holds it: twelve digits, which differ from the plan's by rounding only."""
    return repr(float(f"{float(value):.12g}"))
