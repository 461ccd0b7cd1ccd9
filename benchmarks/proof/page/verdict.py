"""What the numbers say, in sentences: the bad news, and one line for each of our budgets. Draws nothing."""

import math
from collections import Counter

from benchmarks.proof.page.view import EVEN, Stand, View
from benchmarks.proof.wording import number, overall_line

_MEDIAN_PERCENTILE = 50.0
_FEW_TASKS = 5


def bad_news(view: View) -> list[str]:
    """Sentences against us, and against trusting this page; most serious first."""
    if not view.tasks:
        return ["No task is measured yet: none has all of its random settings and its oracle, so no method can be judged."]
    return [sentence for sentence in [*_failing(view), *_behind(view), *_cheaper(view), *_undecided(view), *_incomplete(view)] if sentence]


def _failing(view: View) -> list[str]:
    worse = []
    for mine in view.ours:
        tasks = [task for task in view.tasks for stand in [view.stand(task, mine)] if stand is not None and stand.percentile > _MEDIAN_PERCENTILE]
        if tasks:
            worse.append(f"{mine} on {', '.join(tasks)}")
    crashed = [f"{mine} ({view.crashes(mine)})" for mine in view.ours if view.crashes(mine)]
    return [
        f"Worse than the median random setting: {'; '.join(worse)}." if worse else "",
        f"Studies of ours that crashed: {', '.join(crashed)}." if crashed else "",
    ]


def _behind(view: View) -> list[str]:
    lost = [one for one in view.document["wins"] if one["share"] is not None and one["share"][2] < EVEN]
    pairs = "; ".join(f"{one['ours']} to {one['other']} ({number(one['share'][0])} of tasks won, interval {_interval(one['share'])})" for one in lost)
    return [f"Lost, with the whole 95 % interval below one half: {pairs}." if lost else ""]


def _interval(share: list[float]) -> str:
    return f"{number(share[1])} to {number(share[2])}"


def _cheaper(view: View) -> list[str]:
    """Peers that were as good for less, one sentence for each of ours."""
    sentences = []
    for mine in view.ours:
        found = {task: better for task in view.tasks for better in [better_for_less(view, task, mine)] if better}
        n_tasks = len(view.tasks_of(mine))
        if found:
            which = "; ".join(f"{task}: {', '.join(names)}" for task, names in found.items())
            sentences.append(f"On {len(found)} of {n_tasks} tasks some peer that cost no more than {mine} had a lower regret ({which}).")
    return sentences


def better_for_less(view: View, task: str, mine: str) -> list[str]:
    """Peers with a lower regret at no more than our total cost."""
    stand = view.stand(task, mine)
    if stand is None:
        return []
    return [peer for peer in view.peers for other in [view.at_cost(task, peer, stand.total)] if other is not None and other.regret < stand.regret]


def _undecided(view: View) -> list[str]:
    known = [one for one in view.document["wins"] if one["share"] is not None]
    open_ones = [one for one in known if one["share"][1] <= EVEN <= one["share"][2]]
    return [f"{len(open_ones)} of {len(known)} comparisons with a peer are undecided: their 95 % interval holds one half." if open_ones else ""]


def _incomplete(view: View) -> list[str]:
    states = Counter(result["state"] for result in view.results.values())
    unmeasured = [name for name in view.document["tasks"] if name not in view.tasks]
    lacking = len(view.results) - states["done"]
    parts = [f"{states[state]} {words}" for state, words in (("crashed", "crashed"), ("missing", "not run")) if states[state]]
    return [
        f"{lacking} of {len(view.results)} (task, method) pairs have no result: {' and '.join(parts)}." if lacking else "",
        f"Not measured at all: {', '.join(unmeasured)}." if unmeasured else "",
        f"Only {len(view.tasks)} tasks: too few to say how the next one will go." if len(view.tasks) < _FEW_TASKS else "",
    ]


def our_lines(view: View) -> list[list[str]]:
    """A row for each of ours: name, cost, percentile, regret, failed, behind, undecided, ahead."""
    rows = []
    for mine in view.ours:
        middle = view.median_stand(mine)
        if middle is None:
            rows.append([mine, "not run", *[""] * 6])
            continue
        known = {task: stand for task in view.tasks for stand in [view.stand(task, mine)] if stand is not None}
        worst = max(known, key=lambda task: known[task].percentile)
        counts = _counts(view, mine)
        rows.append(
            [
                f"{mine} ({len(known)} of {len(view.tasks)})" if len(known) < len(view.tasks) else mine,
                number(middle.total),
                f"{number(middle.percentile, digits=0)} (worst {number(known[worst].percentile, digits=0)}, {worst})",
                _regret(middle),
                f"{100 * (view.failed(mine) or 0.0):.0f} %",
                *map(str, counts),
            ]
        )
    return rows


def _regret(stand: Stand) -> str:
    return number(None if math.isinf(stand.regret) else stand.regret, digits=1)


def _counts(view: View, mine: str) -> tuple[int, int, int]:
    """Peers behind which, beside which and before which we are."""
    shares = [one["share"] for one in view.document["wins"] if one["ours"] == mine and one["share"] is not None]
    behind, ahead = sum(share[2] < EVEN for share in shares), sum(share[1] > EVEN for share in shares)
    return behind, len(shares) - behind - ahead, ahead


def all_lines(view: View) -> list[list[str]]:
    """A row for each method, worst median percentile first: name, tasks, percentile, regret, failed, cost. Those that go on searching at a few costs."""
    n_tasks = len(view.document["tasks"])
    return [overall_line(line, n_tasks=n_tasks, failed=f"{100 * line['failed']:.0f} %") for line in view.document["overall"]]
