"""The bench of clues: its kinds and halves, its rows, its scores on made-up answers."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest
from benchmarks.clues.__main__ import ROWS, main, make_runs, read_rows
from benchmarks.clues.beds import BEDS
from benchmarks.clues.foresight import foresight
from benchmarks.clues.fresh_beds import FRESH_BEDS, fresh_order
from benchmarks.clues.fresh_mended import CLAIMS, missed, risen, turnings
from benchmarks.clues.kind import HALVES, VERDICTS, Kind, order
from benchmarks.clues.kinds import KINDS
from benchmarks.clues.pairs import lower_of_short
from benchmarks.clues.rows import curve_of, to_row
from benchmarks.clues.score import Answer, Verdict, document, read_today, score, table
from benchmarks.clues.short_runs import ROWS as PAIR_ROWS
from benchmarks.clues.short_runs import Contender, contenders, pairs_of
from benchmarks.clues.views import VIEWS, reader_of
from benchmarks.proof.cache import Rows

from tunesmith.curve import Curve, RunOutcome
from tunesmith.engine import run_spec
from tunesmith.log import from_curve
from tunesmith.settings import Settings

FIT = {
    "one_cycle_tuned", "step_decay", "cut_at_a_third", "long_zero_tail", "linear_on_xor", "too_narrow", "random_labels", "no_decay_little_data",
    "decay_far_too_large", "subset_first", "swinging_bowl", "lr_bump", "nan_example", "lr_far_too_small", "flipped_validation", "few_redrawn",
}  # fmt: skip
QUICK = ("swinging_bowl", "solved_early")


def test_no_kind_has_changed_its_half() -> None:
    assert {name for name, kind in KINDS.items() if kind.half == "fit"} >= FIT
    assert not {name for name, kind in KINDS.items() if kind.half == "report"} & FIT


def test_halves_share_no_bed_and_each_has_every_verdict() -> None:
    beds = {half: {bed.name for kind in KINDS.values() if kind.half == half for bed in kind.beds} for half in HALVES}
    assert sum(map(len, beds.values())) == len(set().union(*beds.values()))
    for half in beds:
        assert {verdict for kind in KINDS.values() if kind.half == half for verdict in kind.accepted} == set(VERDICTS)


def test_there_are_enough_kinds_beds_and_runs() -> None:
    assert len(KINDS) >= 22
    assert sum(kind.half == "fresh" for kind in KINDS.values()) >= 20
    assert all(len(kind.beds) >= 3 for kind in KINDS.values())
    assert all(kind.make.__doc__ for kind in KINDS.values())


def test_a_kind_on_a_bed_of_the_other_half_is_refused() -> None:
    kind = KINDS["one_cycle_tuned"]
    with pytest.raises(ValueError, match="must belong to the half 'fit', got \\['mnist_cnn'\\]"):
        Kind(name="x", half="fit", accepted=("balanced",), beds=(BEDS["mnist_cnn"],), make=kind.make)
    with pytest.raises(ValueError, match="must be verdicts"):
        Kind(name="x", half="fit", accepted=("fine",), beds=kind.beds, make=kind.make)


def test_a_length_goes_with_the_seed() -> None:
    bed = BEDS["digits_mlp"]
    specs = [order(bed.task(), bed.settings(), seed=seed).spec for seed in range(4)]
    assert len({spec.total_steps for spec in specs}) == len({spec.evaluations for spec in specs}) == 4


def test_fresh_runs_differ_in_length_and_evaluations() -> None:
    task = FRESH_BEDS["spiral_adam"].task()  # made up, so that no data is needed
    specs = [fresh_order(bed, task=task, settings=bed.settings(), seed=seed).spec for bed in FRESH_BEDS.values() for seed in range(4)]
    assert (min(spec.total_steps for spec in specs), max(spec.total_steps for spec in specs)) == (150, 1500)
    assert {spec.evaluations + 1 for spec in specs} == {8, 24, 40, 60}
    assert {spec.settings.batch_size for spec in specs} == {16, 32, 50, 64, 128, 256}


def test_turnings_and_the_share_missed_of_made_up_curves() -> None:
    good, bad = (Curve(lr=(0.1,), momentum=(0.9,), train_loss=(2.0,), eval_step=(1, 2, 3), valid_loss=values) for values in ((1.0, 0.5, 0.5), (1.0, 0.8, 1.1)))
    assert missed(bad, mended=[good]) == pytest.approx(0.4)
    assert (risen(good), risen(bad)) == (0.0, pytest.approx(0.25))
    assert turnings((1.0, 0.0, 1.0, 0.99, 0.0), least=0.5) == 2


def test_every_fresh_kind_has_a_claim_or_a_shape_that_is_checked() -> None:
    checked = {name for claim in CLAIMS for name in claim.kinds} | {"heavy_momentum", "handful_redrawn", "nan_midway"}
    assert checked == {kind.name for kind in KINDS.values() if kind.half == "fresh"}


def test_two_kinds_are_made_once_and_read(tmp_path: Path) -> None:
    kinds = {name: KINDS[name] for name in QUICK}
    assert make_runs(tmp_path, kinds=kinds, seeds=range(3, 4)) == 6
    assert make_runs(tmp_path, kinds=kinds, seeds=range(3, 4)) == 0
    answers = read_rows(tmp_path, kinds=kinds, read=lambda curve: Verdict(name="oscillating", confidence=0.9, since_step=curve.eval_step[0]))
    assert [(one.kind, one.is_right, one.is_in_time) for one in answers] == [("swinging_bowl", True, True)] * 3 + [("solved_early", False, None)] * 3


def test_a_row_gives_its_curve_back_to_five_digits() -> None:
    kind = KINDS["solved_early"]
    made = kind.make(kind.beds[0], 3)
    curve = run_spec(made.task, made.spec).curve
    row = json.loads(json.dumps(to_row(kind, order=made, curve=curve)))
    again = curve_of(row)
    assert again.train_loss == pytest.approx(curve.train_loss, rel=1e-4)
    assert again.lr == pytest.approx(curve.lr, rel=1e-4)
    assert again.valid_loss == pytest.approx(curve.valid_loss, rel=1e-4)
    assert (again.momentum, again.eval_step, again.outcome) == (curve.momentum, curve.eval_step, curve.outcome)


def test_a_row_keeps_what_is_not_finite() -> None:
    kind = KINDS["solved_early"]
    curve = Curve(lr=(0.1, 0.1), momentum=(0.9, 0.8), train_loss=(1.0, math.nan), eval_step=(1,), valid_loss=(math.inf,), outcome=RunOutcome.NOT_FINITE)
    again = curve_of(json.loads(json.dumps(to_row(kind, order=kind.make(kind.beds[0], 0), curve=curve))))
    assert math.isnan(again.train_loss[1])
    assert (again.lr, again.valid_loss, again.outcome) == (curve.lr, curve.valid_loss, curve.outcome)


def made_up(
    name: str,
    confidence: float,
    *,
    kind: str = "k",
    half: str = "fit",
    accepted: tuple[str, ...] = ("overfitting", "weight_decay_low"),
    since: tuple[int, int] | None = (10, 20),
    says: tuple[tuple[str, str], ...] = (),
) -> Answer:
    verdict = Verdict(name=name, confidence=confidence, since_step=15, knobs=says)
    return Answer(verdict=verdict, kind=kind, bed="b", seed=0, half=half, accepted=accepted, since=since, knobs={"lr": "raise"})


def test_shares_of_made_up_answers() -> None:
    answers = [
        made_up("overfitting", 0.9),
        made_up("weight_decay_low", 0.6, since=(16, 20)),
        made_up("balanced", 0.85),
        made_up("balanced", 0.4),
        made_up("too_noisy", 0.99),
        made_up("too_noisy", 0.1, accepted=("too_noisy",), since=None),
    ]
    found = score(answers)
    assert (found.n, found.decided, found.right, found.best) == (6, 4 / 6, 3 / 4, 2 / 4)
    assert found.confidently_wrong == 1 / 6
    assert found.in_time == 1 / 2
    assert found.knobs_right is None
    assert found.verdicts == {"balanced": 2, "too_noisy": 2, "overfitting": 1, "weight_decay_low": 1}


def test_knobs_that_are_named_must_go_the_right_way() -> None:
    assert made_up("balanced", 0.9, says=(("lr", "raise"),)).points_right
    assert made_up("balanced", 0.9, says=(("lr", "lower"),)).points_right is False
    assert made_up("balanced", 0.9, says=(("momentum", "lower"),)).points_right is None


def test_the_table_lists_what_is_sure_and_wrong() -> None:
    answers = [made_up("balanced", 0.85), made_up("overfitting", 0.9, half="report", kind="other")]
    text = table(answers)
    assert "- k on b: balanced, 1" in text
    assert "| other | overfitting, weight_decay_low | 1 | 1.00 | 1.00 |" in text
    assert set(document(answers)) == {"halves", "kinds", "beds"}


def contender(short: float, *ends: float, task: str = "t") -> Contender:
    curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(1.0,), eval_step=(1,), valid_loss=(short,))
    return Contender(task=task, settings=Settings(), plain=curve, matched=curve, ends=ends)


def test_pairs_need_full_runs_that_agree() -> None:
    good, bad, between, lost, elsewhere = (
        contender(1.0, 0.5, 0.6), contender(0.9, 0.8, 0.9), contender(2.0, 0.55, 0.85), contender(3.0, math.inf, math.inf), contender(0.1, 0.1, task="u"),
    )  # fmt: skip
    pairs = pairs_of([lost, bad, good, between, elsewhere])
    assert {(id(better), id(worse)) for better, worse in pairs} == {(id(good), id(bad)), *((id(one), id(lost)) for one in (good, bad, between))}
    found = foresight(lower_of_short(pairs, "plain"))
    assert (found.n, found.decided, found.right) == (4, 1.0, 3 / 4)


def test_committed_rows_are_all_there_and_small() -> None:
    for half in HALVES:
        keys = Counter((key["kind"], key["bed"]) for key, _ in Rows(ROWS / f"{half}.jsonl").all())
        assert keys == {(kind.name, bed.name): 4 for kind in KINDS.values() if kind.half == half for bed in kind.beds}
    assert sum(path.stat().st_size for folder in (ROWS, PAIR_ROWS) for path in folder.iterdir()) < 7_000_000


def test_the_command_scores_the_committed_rows(tmp_path: Path) -> None:
    main(["--cached", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "clues.json").read_text())
    assert {half: found["halves"][half]["n"] for half in HALVES} == {
        half: 4 * sum(len(kind.beds) for kind in KINDS.values() if kind.half == half) for half in HALVES
    }
    assert set(found["kinds"]) == set(KINDS)


@pytest.mark.parametrize("name", ["swinging_bowl", "easy_four_times", "line_through_curves"])
def test_a_committed_row_trained_again_is_the_same(name: str) -> None:
    kind = KINDS[name]
    made = kind.make(kind.beds[0], 2)
    row = Rows(ROWS / f"{kind.half}.jsonl").get({"kind": kind.name, "bed": kind.beds[0].name, "seed": 2})
    assert row is not None
    assert row["valid_loss"] == pytest.approx(to_row(kind, order=made, curve=run_spec(made.task, made.spec).curve)["valid_loss"], rel=1e-3)


def test_the_present_reading_answers_every_committed_row_as_the_committed_table_says() -> None:
    """Decided in 70 of 100, right where decided in 95, sure and wrong in 1, in each half."""
    answers = read_rows(ROWS, kinds=KINDS, read=read_today)
    assert all(one.verdict.name in VERDICTS for one in answers)
    for half in HALVES:
        found = score([one for one in answers if one.half == half])
        assert found.n >= 200
        assert (found.decided or 0) >= 0.7
        assert (found.right or 0) >= 0.95
        assert (found.confidently_wrong or 0) <= 0.01
    assert json.loads(json.dumps(document(answers))) == json.loads((ROWS.parent / "clues.json").read_text())


@pytest.mark.parametrize("name", VIEWS)
def test_a_run_is_read_in_every_view_of_its_log(name: str) -> None:
    """The whole log is read as the run itself; ten rows of it are ten rows."""
    key, row = next((key, row) for key, row in Rows(ROWS / "fit.jsonl").all() if key["kind"] == "random_labels")
    curve = curve_of(row)
    assert reader_of(VIEWS[name])(curve).name in VERDICTS
    assert reader_of(VIEWS["as recorded"])(curve).name == read_today(curve).name
    seen = VIEWS["ten rows"](from_curve(curve, name=str(key)))
    assert [len(series) for series in (seen.train_loss, seen.lr, seen.valid_loss)] == [10, 10, 10]
    assert seen.valid_loss.value[-1] == curve.valid_loss[-1]


def test_committed_pairs_are_enough() -> None:
    assert len(pairs_of(contenders(PAIR_ROWS))) >= 200
