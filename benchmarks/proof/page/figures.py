"""The plots of the page, each as an SVG element. What is drawn comes out of a `View`; captions and words around it are the page's."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.axes import Axes

from benchmarks.proof.page.ink import INK, MUTED, OURS, PAPER, RULE, WIDE, WORSE, Look, drawn, mark
from benchmarks.proof.page.scales import LANE, PERCENTILE, Scale, cost_scale, number_text, regret_scale
from benchmarks.proof.page.view import EVEN, Stand, View, budget_of, family_of
from tunesmith.report.markup import Markup

_LABELS = 180
"""Room for the names of methods beside a plot, in pixels."""
_LINE = 0.055
"""Height of a line of text as a share of a panel."""
_LEFT_PART = 0.4
"""Points left of this share of the axis are nearer to the left margin than to the right one, where curves end: their names stand left."""
_AT_THE_EDGE = 0.97
"""Right of this share of the axis an elbow in the line to a name would stand upright."""
_LONG_BAR = 0.7
"""Right of a bar that takes more than this share of the axis there is no room for its number."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What is drawn against cost.

    Attributes:
        name: "percentile" or "regret".
        of: Picks it out of a stand.
        scale: Its axis, the same on every panel.
    """

    name: str
    of: Callable[[Stand], float]
    scale: Scale


class CostPlots:
    """Plots of cost against quality that share their axes.

    Args:
        view: The document.
        looks: Of every method.
    """

    def __init__(self, view: View, looks: dict[str, Look]) -> None:
        self.view, self.looks = view, looks
        stands = [stand for task in view.tasks for method in view.methods for stand in _stands(view, task, method)]
        ends = [stand for task in view.tasks for method in view.methods for stand in [view.stand(task, method)] if stand is not None]
        self.cost = cost_scale(stand.total for stand in stands)
        # What a search has in its first moments may be a million times worse than what it ends with, and would flatten everything else.
        late = [stand.regret for stand in stands if stand.total >= 1]
        self.measures = (
            Measure(name="percentile", of=lambda stand: stand.percentile, scale=PERCENTILE),
            Measure(name="regret", of=lambda stand: stand.regret, scale=regret_scale([*late, *(stand.regret for stand in ends)])),
        )

    def task(self, task: str, measure: Measure) -> Markup:
        """A panel for one task: every method, whiskers from the best to the worst study."""
        stands = {method: stand for method in self.view.methods for stand in [self.view.stand(task, method)] if stand is not None}
        curves = {method: self.view.curve(task, method) for method in self.view.searching}
        places = _apart({method: self.cost.place(stand.total) for method, stand in stands.items() if not curves.get(method)})

        def draw(axes: Axes) -> None:
            self._frame(axes, measure)
            for method, place in places.items():
                ends = self.view.results[task, method][f"{measure.name}s"]
                low, high = (measure.scale.place(math.inf if end is None else end) for end in ends)
                if high > low:
                    axes.plot([place, place], [low, high], color=self.looks[method].color, linewidth=1.2, zorder=2, clip_on=False)
            self._draw(axes, measure, stands={name: stand for name, stand in stands.items() if name in places}, curves=curves, places=places)

        return drawn(draw, name=f"{measure.name} {task}", title=f"{task}: {measure.name} against total cost")

    def overall(self, measure: Measure, *, has_labels: bool) -> Markup:
        """Medians over tasks; with labels it is as wide as the page."""
        stands = {method: stand for method in self.view.methods for stand in [self.view.median_stand(method)] if stand is not None}
        curves = {method: self.view.median_curve(method) for method in self.view.searching}
        points = {method: stand for method, stand in stands.items() if not curves.get(method)}
        places = {method: self.cost.place(stand.total) for method, stand in points.items()}

        def draw(axes: Axes) -> None:
            self._frame(axes, measure)
            self._draw(axes, measure, stands=points, curves=curves, places=places)
            if has_labels:
                self._label(axes, measure, points, curves=curves, places=places)

        title = f"Median over tasks: {measure.name} against total cost"
        if has_labels:
            return drawn(draw, name=f"{measure.name} overall, wide", title=title, width=WIDE, height=400, margins=(_LABELS + 46, _LABELS, 26))
        return drawn(draw, name=f"{measure.name} overall", title=title)

    def _frame(self, axes: Axes, measure: Measure) -> None:
        _bounds(axes, x=self.cost, y=measure.scale, has_lane=measure.name == "regret")
        if measure.name == "regret":
            axes.axhline(measure.scale.place(0.0), color=MUTED, linewidth=1, zorder=1)

    def _draw(self, axes: Axes, measure: Measure, *, stands: dict[str, Stand], curves: dict[str, list[Stand]], places: dict[str, float]) -> None:
        for method, curve in curves.items():
            look = self.looks[method]
            x, y = [self.cost.place(stand.total) for stand in curve], [measure.scale.place(measure.of(stand)) for stand in curve]
            axes.plot(x, y, drawstyle="steps-post", color=look.color, linestyle=look.dash, linewidth=look.width, zorder=look.front, clip_on=False)
            axes.plot(x[2::6], y[2::6], linestyle="none", zorder=look.front, clip_on=False, **mark(look))
        for family in dict.fromkeys(family_of(name) for name in self.view.ours):
            mine = [name for name in self.view.ours if name in stands and family_of(name) == family]
            heights = [measure.scale.place(measure.of(stands[name])) for name in mine]
            axes.plot([places[name] for name in mine], heights, color=OURS, linewidth=2.4, zorder=4, clip_on=False)
        for method, stand in stands.items():
            look = self.looks[method]
            axes.plot([places[method]], [measure.scale.place(measure.of(stand))], linestyle="none", zorder=look.front, clip_on=False, **mark(look))

    def _label(self, axes: Axes, measure: Measure, points: dict[str, Stand], *, curves: dict[str, list[Stand]], places: dict[str, float]) -> None:
        """Names in the margins, a thin line to what each names; our budgets beside their points."""
        for rank, method in enumerate(name for name in self.view.ours if name in points):
            at = (places[method], measure.scale.place(measure.of(points[method])))
            away = 3 + self.looks[method].size / 2
            side, anchor = (away, "bottom") if rank % 2 == 0 else (-away, "top")  # in turn above and below, since two budgets may have cost much the same
            words = {"color": OURS, "fontweight": "bold", "fontsize": 10.5, "ha": "center", "va": anchor, "zorder": 7}
            axes.annotate(_budget(method), at, (0, side), textcoords="offset points", **words)
        ends = {method: (places[method], measure.scale.place(measure.of(stand))) for method, stand in points.items() if method not in self.view.ours}
        for family in dict.fromkeys(family_of(name) for name in self.view.ours if name in points):
            largest = next(name for name in reversed(self.view.ours) if name in points and family_of(name) == family)
            ends[largest] = (places[largest], measure.scale.place(measure.of(points[largest])))
        left = {method: end for method, end in ends.items() if end[0] < _LEFT_PART}
        right = {method: end for method, end in ends.items() if method not in left}
        right |= {method: (self.cost.place(curve[-1].total), measure.scale.place(measure.of(curve[-1]))) for method, curve in curves.items() if curve}
        for side, named in (("left", left), ("right", right)):
            names = {method: self._name(method) for method in named}
            margin_labels(axes, {names[method]: (*named[method], self.looks[method]) for method in named}, side=side)

    def _name(self, method: str) -> str:
        return family_of(method) if method in self.view.ours else method + self._share(method)

    def _share(self, method: str) -> str:
        """On how many tasks a median rests, where these are not all."""
        known = len(self.view.tasks_of(method))
        return "" if known == len(self.view.tasks) else f" ({known} of {len(self.view.tasks)})"


def margin_labels(axes: Axes, named: dict[str, tuple[float, float, Look]], *, side: str, reach: float = LANE) -> None:
    """Names in the margin beside the axes, pushed apart, in the order of the heights of what they name.

    Args:
        axes: Horizontally from 0 to 1, vertically from a little below 0.
        named: Label → place and look of what it names; where two are equally high, the earlier label stands lower.
        side: "left" (of the axis' own numbers) or "right".
        reach: Largest height of a label.
    """
    gap = 16 / axes.bbox.height * (axes.get_ylim()[1] - axes.get_ylim()[0])
    order = sorted(named, key=lambda label: named[label][1])
    heights = spread([named[label][1] for label in order], gap=gap, low=0.0, high=reach)
    edge, elbow, anchor = (-46 / axes.bbox.width, 0.0, "right") if side == "left" else (1.03, 1.0, "left")
    for label, height in zip(order, heights, strict=True):
        x, y, look = named[label]
        path = [(x, y), (edge, height)] if x > _AT_THE_EDGE else [(x, y), (elbow, height), (edge, height)]
        axes.plot(*zip(*path, strict=True), color=look.color, linewidth=0.7, alpha=0.6, zorder=1, clip_on=False)
        axes.plot([edge], [height], linestyle="none", clip_on=False, zorder=6, **mark(replace(look, size=0.8 * look.size)))
        shift = (-8 if side == "left" else 8) / axes.bbox.width
        weight = "bold" if look.color == OURS else "normal"
        axes.text(edge + shift, height, label, ha=anchor, va="center", color=look.color, fontsize=11, fontweight=weight, zorder=6)


def spread(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Rising places at least `gap` apart, near the wanted ones, within the bounds where there is room.

    Example:
        >>> [round(place, 2) for place in spread([0.5, 0.5, 0.52, 1.0], gap=0.1, low=0.0, high=1.0)]
        [0.41, 0.51, 0.61, 1.0]
    """
    groups: list[list[float]] = []  # each [sum of the wanted places of its first member, count]
    for index, place in enumerate(wanted):
        groups.append([place - index * gap, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
            total, count = groups.pop()
            groups[-1] = [groups[-1][0] + total, groups[-1][1] + count]
    bases = [total / count for total, count in groups for _ in range(int(count))]
    highest = high - (len(wanted) - 1) * gap
    return [min(max(base, low), max(highest, low)) + index * gap for index, base in enumerate(bases)]


def profiles(view: View, looks: dict[str, Look], *, has_labels: bool) -> Markup:
    """Share of (task, study) pairs at or below each regret."""
    levels, shares = view.document["profiles"]["levels"], view.document["profiles"]["shares"]
    known = {method: shares[method] for method in view.methods if shares.get(method) is not None}
    x = Scale(
        title="regret, standard deviations between seeds",
        low=0.0,
        high=max(levels),
        ticks=(0, 1, 2, 3, 5, 7, 10, 15, 20),
        bend=lambda value: math.asinh(value / 2),
    )
    y = Scale(title="share of (task, study) pairs with at most this regret", low=0.0, high=1.0, ticks=(0, 0.25, 0.5, 0.75, 1))

    def draw(axes: Axes) -> None:
        _bounds(axes, x=x, y=y, has_lane=False)
        places = [x.place(level) for level in levels]
        for index, (method, column) in enumerate(known.items()):
            look = looks[method]
            axes.plot(places, column, drawstyle="steps-post", color=look.color, linestyle=look.dash, linewidth=look.width, zorder=look.front, clip_on=False)
            start = 2 + 3 * index % 14
            axes.plot(places[start::14], column[start::14], linestyle="none", zorder=look.front, clip_on=False, **mark(look))
        if has_labels:
            upwards = sorted(known, key=lambda name: sum(known[name]))
            ends = {f"{name}, {_end_cost(view, name)}": (1.0, known[name][-1], looks[name]) for name in upwards}
            margin_labels(axes, ends, side="right", reach=1.0)

    title = "Performance profiles: share of pairs against regret"
    if has_labels:
        return drawn(draw, name="profiles, wide", title=title, width=WIDE, height=420, margins=(46, _LABELS + 36, 26))
    return drawn(draw, name="profiles", title=title)


def _end_cost(view: View, method: str) -> str:
    """Median total cost at its end, in words; what it may spend, of random search, which is no study."""
    stand = view.median_stand(method)
    budget = view.document["methods"][method]["budget"]
    return f"{stand.total:.3g}" if stand is not None else "crashed" if budget is None else f"{budget:.3g}"


def wins(view: View, mine: str) -> Markup:
    """Our share of tasks won against each peer, worst first, with its interval."""
    rows = sorted((one for one in view.document["wins"] if one["ours"] == mine and one["share"] is not None), key=lambda one: one["share"][0])
    x = Scale(title="share won by ours (0.5: as often as the peer)", low=0.0, high=1.0, ticks=(0, 0.25, 0.5, 0.75, 1))

    def draw(axes: Axes, height: int, row: dict[str, Any]) -> None:
        share, low, high = row["share"]
        color, marker, face = (OURS, "o", OURS) if low > EVEN else (WORSE, "s", WORSE) if high < EVEN else (MUTED, "D", PAPER)
        axes.plot([low, high], [height, height], color=color, linewidth=1.6, clip_on=False, zorder=3)
        axes.plot([share], [height], marker=marker, color=color, markerfacecolor=face, markersize=7, clip_on=False, zorder=4)

    labels = [one["other"] + ("" if one["n_tasks"] == len(view.tasks) else f" ({one['n_tasks']} of {len(view.tasks)})") for one in rows]
    return _rows(rows, labels, draw=draw, x=x, line=0.5, name=f"wins {mine}", title=f"Share of tasks won by {mine}")


def cost_ratios(view: View, looks: dict[str, Look], other: str, *, x: Scale) -> Markup:
    """What a peer must pay to be as good as ours, over what ours pays: a row a task, a dot for each of our budgets."""
    ratios = [one for one in view.document["cost_ratios"] if one["other"] == other and one["ratio"] > 0]
    names = [task for task in view.tasks if any(one["task"] == task for one in ratios)]

    def draw(axes: Axes, height: int, task: str) -> None:
        mine = [one for one in ratios if one["task"] == task]
        for rank, one in enumerate(mine):
            look, place = looks[one["ours"]], x.place(one["ratio"])
            at = height + 0.17 * (rank - (len(mine) - 1) / 2)
            face = PAPER if one["is_censored"] else OURS
            axes.plot([place], [at], marker=">" if one["is_censored"] else "o", color=OURS, markerfacecolor=face, markersize=look.size, clip_on=False, zorder=4)

    return _rows(names, names, draw=draw, x=x, line=1.0, name=f"ratio {other}", title=f"Cost of {other} over ours", row=30)


def ratio_scale(view: View) -> Scale:
    """The same axis for every peer."""
    return cost_scale((1.0, *(one["ratio"] for one in view.document["cost_ratios"])), title="peer's total cost over ours (ratio)")


def failures(view: View, looks: dict[str, Look]) -> Markup:
    """Share of failed retrainings, worst first."""
    known = {method: share for method in view.methods for share in [view.failed(method)] if share is not None}
    rows = sorted(known, key=lambda method: -known[method])
    x = Scale(title="failed retrainings, % (mean over tasks)", low=0.0, high=100.0, ticks=(0, 25, 50, 75, 100))

    def draw(axes: Axes, height: int, method: str) -> None:
        end = x.place(100 * known[method])
        axes.barh(height, end, height=0.55, color=looks[method].color, alpha=0.85, zorder=2)
        note = f"{100 * known[method]:.0f} %" + (f", {view.crashes(method)} crashed" if view.crashes(method) else "")
        inside = end > _LONG_BAR
        axes.text(
            end - 0.02 if inside else end + 0.02, height, note, ha="right" if inside else "left", va="center", color=PAPER if inside else INK, fontsize=11
        )

    return _rows(rows, rows, draw=draw, x=x, line=None, name="failures", title="Share of failed retrainings per method")


def _rows(
    rows: Sequence[Any],
    labels: Sequence[str],
    *,
    draw: Callable[[Axes, int, Any], None],
    x: Scale,
    name: str,
    title: str,
    line: float | None = None,
    row: int = 24,
    right: int = 14,
) -> Markup:
    """A plot of rows, the first on top.

    Args:
        rows: What is drawn, one a row.
        labels: Of the rows.
        draw: Draws one at its height.
        x: The axis.
        name: Of the plot.
        title: Of the plot.
        line: Value at which an upright line stands; the rows have lines too then.
        row: Height of one, in pixels.
        right: Room at the right, in pixels.
    """

    def all_rows(axes: Axes) -> None:
        axes.set_xlim(0, 1)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xticks([x.place(tick) for tick in x.ticks], [number_text(tick) for tick in x.ticks])
        axes.set_xlabel(x.title)
        axes.set_yticks(range(len(rows)), labels)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        if line is not None:
            axes.hlines(range(len(rows)), 0, 1, color=RULE, linewidth=0.8, zorder=0)
            axes.axvline(x.place(line), color=INK, linewidth=1.1, zorder=1)
        for height, one in enumerate(rows):
            draw(axes, height, one)

    return drawn(all_rows, name=name, title=title, height=54 + row * max(1, len(rows)), margins=(_LABELS + 14, right, 6))


def _stands(view: View, task: str, method: str) -> list[Stand]:
    """Everything of it that is drawn on a task's panel."""
    curve = view.curve(task, method)
    if curve:
        return curve
    stand = view.stand(task, method)
    return [] if stand is None else [stand]


def _apart(places: dict[str, float], *, gap: float = 0.013) -> dict[str, float]:
    """Places pushed apart sideways where markers would cover one another."""
    order = sorted(places, key=lambda name: places[name])
    return dict(zip(order, spread([places[name] for name in order], gap=gap, low=0.0, high=1.0), strict=True))


def _bounds(axes: Axes, *, x: Scale, y: Scale, has_lane: bool) -> None:
    """Limits, ticks and titles; the y axis' title lies above its end."""
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.03, LANE + 0.03 if has_lane else 1.0)
    axes.set_xticks([x.place(tick) for tick in x.ticks], [number_text(tick) for tick in x.ticks])
    ticks = [(y.place(tick), number_text(tick)) for tick in _thinned(y)]
    if has_lane:
        ticks.append((LANE, "off"))
        axes.axhspan(1.03, LANE + 0.03, color=RULE, alpha=0.6, linewidth=0, zorder=0)
    axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
    axes.set_xlabel(x.title)
    axes.annotate(y.title, (0, 1), (-38, 12), xycoords="axes fraction", textcoords="offset points", color=MUTED, va="center")
    axes.grid(visible=True, axis="y", color=RULE, linewidth=0.7, zorder=0)
    axes.set_axisbelow(True)


def _thinned(scale: Scale) -> Iterable[float]:
    """Ticks that do not stand on one another, nor below the lane's name."""
    kept: list[float] = []
    for tick in scale.ticks:
        if not kept or scale.place(tick) - scale.place(kept[-1]) >= _LINE:
            kept.append(tick)
    return kept


def _budget(method: str) -> str:
    budget = budget_of(method)
    return method if budget is None else f"{budget:g}"
