"""The bench of decay: its pieces of a cycle, its branches, its scores on made-up losses, and the committed tables."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from benchmarks.decay import snapshot
from benchmarks.decay.__main__ import main as matching
from benchmarks.decay.branches import BRANCH_SHARE, DECAYS, TRUNK_SHARE, Piece, Snapshot, apart, branched, cycle, fall, going_on, rise
from benchmarks.decay.matching import Tried, groups_of, promising, task_ranks
from benchmarks.decay.snapshot_rows import BASES, BRANCHED, FULL, RIVALS, ROWS, STUDY_SEEDS, TRUTH_SEEDS, Measured, measured
from benchmarks.proof.command import RESULTS
from benchmarks.proof.tasks import find_tasks
from torch import nn
from torch.nn import functional as F

from tunesmith.schedules import total_decay
from tunesmith.settings import Settings
from tunesmith.task import Task

SETTINGS = Settings(lr=0.1, momentum=0.95, min_momentum=0.85, weight_decay=0.5, batch_size=8)


def tiny(optimizer: str = "sgd") -> Task:
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    y = (x.sum(dim=1) > 0).long()
    return Task(model=lambda: nn.Linear(4, 2), train=(x[:48], y[:48]), valid=(x[48:], y[48:]), loss=F.cross_entropy, epochs=10, optimizer=optimizer)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_rise_and_a_fall_make_a_cycle(optimizer: str) -> None:
    whole = total_decay(Settings(lr=0.1, momentum=0.95, min_momentum=0.85, weight_decay=1.0), total_steps=200, optimizer_name=optimizer)
    pieces = (rise(90), fall(110))
    assert sum(piece.summed_steps(SETTINGS, optimizer_name=optimizer) for piece in pieces) == pytest.approx(whole)
    assert cycle(200).summed_steps(SETTINGS, optimizer_name=optimizer) == pytest.approx(whole)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_branch_goes_on_where_the_trunk_ended_with_a_decay_of_its_own(optimizer: str) -> None:
    task, trunk = tiny(optimizer), nn.Linear(4, 2)
    before, _ = going_on(task, SETTINGS, piece=rise(9), start=None, made=lambda _: None)(trunk, 9)
    trunk(torch.ones(1, 4)).sum().backward()
    before.step()
    start = Snapshot(weights=trunk.state_dict(), optimizer=before.state_dict())
    kept = [value.clone() for state in before.state.values() for value in state.values()]

    branch, piece = nn.Linear(4, 2), Piece(steps=11, whole=20, offset=9)
    after, move = going_on(task, replace(SETTINGS, weight_decay=0.25), piece=piece, start=start, made=lambda _: None)(branch, 11)
    move(0)
    assert [group["weight_decay"] for group in after.param_groups] == [0.25, 0.0]
    assert [group["lr"] for group in after.param_groups] == [0.1, 0.1]
    assert all(map(torch.equal, trunk.state_dict().values(), branch.state_dict().values()))
    branch(torch.ones(1, 4)).sum().backward()
    after.step()
    assert all(map(torch.equal, kept, [value for state in before.state.values() for value in state.values()]))
    assert not torch.equal(trunk.weight, branch.weight)


def test_ways_of_equal_cost_train_as_many_steps() -> None:
    decays = (0.0, 0.3, 3.0)
    found = branched(tiny(), SETTINGS, seed=0, decays=decays)
    assert tuple(found) == BRANCHED
    for row in found.values():
        assert row["steps"] == round(60 * TRUNK_SHARE) + 3 * round(60 * BRANCH_SHARE)
        assert all(map(math.isfinite, row["losses"]))
        assert len(set(row["losses"])) == 3
    short, same_rate = (apart(tiny(), SETTINGS, share=1 / 4, seed=0, decays=decays, keeps_rate=keeps_rate)["losses"] for keeps_rate in (False, True))
    assert short[0] == same_rate[0]
    assert short[1] != same_rate[1]


def made_up(full: float, *, plain: float, matched: float, total_decay: float = 1.0, learnt: float = 1.0, shifts: tuple[float, float] = (0.0, 0.0)) -> Tried:
    return Tried(
        total_decay=total_decay, full=full, seeds=(full, full), plain=plain, matched=matched, learnt=learnt, plain_shift=shifts[0], matched_shift=shifts[1]
    )


def test_short_runs_that_rank_as_the_full_ones_gain() -> None:
    tried = [made_up(float(at), plain=float(at % 3), matched=float(at) + 10) for at in range(10)]
    found = task_ranks(tried)
    assert (found.matched, found.seeds) == (1.0, 1.0)
    assert found.gain == pytest.approx(1 - found.plain)
    assert 0 < found.gain_interval[0] < found.gain < found.gain_interval[1]
    assert [one.full for one in promising(tried[::-1])] == [0.0, 1.0, 2.0, 3.0]


def test_each_setting_with_decay_is_in_one_band_or_learnt_too_little() -> None:
    tried = [made_up(1.0, plain=0.5, matched=2.0, total_decay=decay, learnt=learnt) for decay in (0.0, 0.05, 0.1, 0.9, 4.0, 50.0) for learnt in (0.1, 0.9)]
    groups = groups_of(tried)
    assert [len(group) for group in groups.values()] == [5, 1, 2, 1, 1, 0, 4]


def test_regret_is_counted_in_spreads_and_a_lost_run_is_never_chosen() -> None:
    truth = {seed: [1.0 + noise, 2.0 + noise, 3.0 + noise, 4.0 + noise, math.inf] for seed, noise in zip(TRUTH_SEEDS, (-0.2, -0.1, 0.0, 0.1, 0.2), strict=True)}
    losses = {seed: [2.0, 1.0, 3.0, 4.0, math.inf] for seed in STUDY_SEEDS}
    one = Measured(task="t", truth=truth, rivals=dict.fromkeys(RIVALS, losses), costs=dict.fromkeys(RIVALS, 0.5), seconds=1.0)
    found = snapshot.score_of(one, RIVALS[0])
    assert (found.correlation, found.hits, found.cost) == (pytest.approx(0.9), 0.0, 0.5)
    assert found.regret == pytest.approx(1.0 / snapshot.spread(one))
    full = snapshot.score_of(one, FULL)
    assert (full.correlation, full.regret, full.hits) == (pytest.approx(1.0), 0.0, 1.0)


def test_the_committed_table_of_matched_decay_is_what_the_rows_add_up_to(capsys: pytest.CaptureFixture[str]) -> None:
    matching(["--cached"])
    assert capsys.readouterr().out == (RESULTS / "decay.md").read_text()


def test_the_committed_table_of_snapshots_is_what_the_rows_add_up_to(capsys: pytest.CaptureFixture[str]) -> None:
    snapshot.main(["--cached"])
    assert capsys.readouterr().out == (RESULTS / "snapshot.md").read_text()


def test_branches_end_where_the_committed_rows_say() -> None:
    name, seed = "digits_finetune", STUDY_SEEDS[0]  # its data ship with a package
    (known,) = measured(ROWS, names=[name])
    found = branched(find_tasks([name])[0].without_test, BASES[name], seed=seed, decays=DECAYS[:1])
    # The same bits on the machine that trained them; elsewhere sums may be taken in another order.
    assert [row["losses"][0] for row in found.values()] == pytest.approx([known.rivals[way][seed][0] for way in BRANCHED], rel=1e-2)


def test_missing_rows_are_refused_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(tmp_path) == []
    with pytest.raises(SystemExit):
        snapshot.main(["--cached", "--rows", str(tmp_path), "--tasks", "wine_mlp"])
    assert "wine_mlp lack some" in capsys.readouterr().err
