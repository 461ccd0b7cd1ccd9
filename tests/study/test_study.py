import gc
import itertools
import math
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from tests import record_strategies as records
from tests.study.sample import DESCRIPTION, FINGERPRINT, create, make_run

from tunesmith.cost import Cost
from tunesmith.curve import Curve, Run, RunOutcome
from tunesmith.errors import StudyError
from tunesmith.experiment import Arm, Experiment, experiment_to_dict
from tunesmith.finding import Finding
from tunesmith.plan import Plan, StudyCost
from tunesmith.settings import RunSpec
from tunesmith.study import Study

FINDING = Finding(kind="edge", value=0.5, interval=(0.4, 0.6), confidence=0.9, evidence="One sweep.", not_established="Other lengths.")


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A new study, open for writing."""
    with create(tmp_path / "mine") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """One study for all examples of a property."""
    with create(tmp_path_factory.mktemp("shared")) as made:
        yield made


fresh_seeds = itertools.count(2**65)


def fresh(run: Run) -> Run:
    """The run under a spec that no example had before."""
    return Run(spec=RunSpec(**{**vars(run.spec), "seed": next(fresh_seeds)}), curve=run.curve)


class TestRecords:
    @settings(max_examples=40)
    @given(run=records.runs())
    def test_any_run_comes_back_with_nan_and_infinities(self, shared: Study, run: Run) -> None:
        run = fresh(run)
        shared.add(run, purpose="search")
        found = shared.find(run.spec)
        assert found is not None
        assert found.spec == run.spec
        assert found.spec.key == run.spec.key
        assert found.curve.to_dict() == run.curve.to_dict()  # NaN is no equal of NaN; its name is
        assert list(found.curve.metrics) == list(run.curve.metrics)
        assert list(found.curve.test) == list(run.curve.test)

    @settings(max_examples=20)
    @given(experiment=records.experiments())
    def test_any_experiment_comes_back(self, shared: Study, experiment: Experiment) -> None:
        arms = tuple(Arm(label=arm.label, value=arm.value, run=fresh(arm.run)) for arm in experiment.arms)
        experiment = Experiment(probe=experiment.probe, arms=arms, findings=experiment.findings, verdict=experiment.verdict)
        for arm in arms:
            shared.add(arm.run, purpose="search")
        shared.put_experiment(experiment)
        (found,) = (other for other in shared.experiments() if other.probe == experiment.probe)
        assert experiment_to_dict(found) == experiment_to_dict(experiment)

    @settings(max_examples=40)
    @given(plan=records.plans())
    def test_any_plan_comes_back(self, shared: Study, plan: Plan) -> None:
        shared.put_plan(plan)
        assert shared.plan == plan

    def test_a_new_study_is_empty(self, study: Study) -> None:
        assert study.runs() == ()
        assert study.experiments() == ()
        assert study.plan is None
        assert study.notes == {}
        assert study.cost() == StudyCost()
        assert study.find(make_run().spec) is None

    def test_runs_come_in_the_order_of_storing(self, study: Study) -> None:
        for seed in (3, 1, 2):
            study.add(make_run(seed=seed), purpose="confirm" if seed == 1 else "search")
        assert [(stored.run, stored.purpose, stored.position) for stored in study.runs()] == [
            (make_run(seed=3), "search", 0),
            (make_run(seed=1), "confirm", 1),
            (make_run(seed=2), "search", 2),
        ]

    def test_a_run_that_diverged_at_once_comes_back(self, study: Study) -> None:
        curve = Curve(lr=(), momentum=(), train_loss=(), eval_step=(), valid_loss=(), metrics={"accuracy": ()}, outcome=RunOutcome.NOT_FINITE)
        run = Run(spec=make_run().spec, curve=curve)
        study.add(run, purpose="search")
        assert study.find(run.spec) == run

    def test_a_metric_may_be_called_loss(self, study: Study) -> None:
        run = make_run()
        run = Run(spec=run.spec, curve=Curve(**{**vars(run.curve), "metrics": {"loss": (5.0, 6.0)}}))
        study.add(run, purpose="search")
        assert study.find(run.spec) == run

    def test_a_spec_is_stored_once(self, study: Study) -> None:
        study.add(make_run(), purpose="search")
        with pytest.raises(StudyError, match="one run a spec"):
            study.add(make_run(steps=5), purpose="search")
        assert len(study.runs()) == 1

    def test_a_stopped_run_is_replaced_in_its_place(self, study: Study) -> None:
        stopped, whole = make_run(steps=5, outcome=RunOutcome.STOPPED), make_run(steps=5)
        study.add(stopped, purpose="search")
        study.add(make_run(seed=1), purpose="search")
        study.add(whole, purpose="confirm")
        first, _ = study.runs()
        assert (first.run, first.purpose, first.position) == (whole, "confirm", 0)

    def test_columns_of_different_length_are_refused_and_nothing_is_stored(self, study: Study) -> None:
        run = make_run()
        for torn in ({"lr": (0.1,)}, {"valid_loss": (1.0,)}, {"metrics": {"accuracy": (1.0,)}}):
            with pytest.raises(StudyError, match="equally long"):
                study.add(Run(spec=run.spec, curve=Curve(**{**vars(run.curve), **torn})), purpose="search")
        assert study.runs() == ()
        study.add(run, purpose="search")

    def test_an_unknown_purpose_is_refused(self, study: Study) -> None:
        with pytest.raises(StudyError, match="search, confirm, baseline"):
            study.add(make_run(), purpose="fun")
        with pytest.raises(StudyError, match="search, confirm, baseline"):
            study.charge("memory", Cost(), purpose="fun")

    def test_an_experiment_is_replaced_in_its_place(self, study: Study) -> None:
        run = make_run()
        study.add(run, purpose="search")
        arms = (Arm(label="lr .1", value=0.1, run=run),)
        study.put_experiment(Experiment(probe="lr_range", arms=arms))
        study.put_experiment(Experiment(probe="momentum", arms=()))
        judged = Experiment(probe="lr_range", arms=arms, findings=(FINDING,), verdict="Half of it.")
        study.put_experiment(judged)
        assert study.experiments() == (judged, Experiment(probe="momentum", arms=()))

    def test_an_experiment_needs_its_runs(self, study: Study) -> None:
        with pytest.raises(StudyError, match=r"'lr_range' \['lr .1'\] are not"):
            study.put_experiment(Experiment(probe="lr_range", arms=(Arm(label="lr .1", value=0.1, run=make_run()),)))
        assert study.experiments() == ()

    def test_notes_keep_json_and_order(self, study: Study) -> None:
        study.note("device", "cpu")
        study.note("time_model", {"64": 0.5, "none": None})
        study.note("device", "cuda")
        assert list(study.notes.items()) == [("device", "cuda"), ("time_model", {"64": 0.5, "none": None})]

    def test_what_is_no_json_is_refused(self, study: Study) -> None:
        with pytest.raises(StudyError, match="note 'device' is not"):
            study.note("device", object())  # type: ignore[arg-type]


class TestCost:
    def test_cost_is_counted_by_purpose(self, study: Study) -> None:
        for seed, purpose in enumerate(("search", "search", "confirm", "baseline")):
            study.add(make_run(seed=seed, trained_examples=100 * (seed + 1)), purpose=purpose)
        cost = study.cost()
        assert (cost.search, cost.confirm, cost.baseline) == pytest.approx((0.32, 0.31, 0.41))
        assert cost.seconds == 2.0

    def test_a_charge_counts_once(self, study: Study) -> None:
        for _ in range(2):
            study.charge("time model", Cost(trained_examples=50, evaluated_examples=150, seconds=2.0), purpose="search")
        assert study.cost() == StudyCost(search=0.1, seconds=2.0)

    def test_without_the_length_of_a_full_training_there_is_no_cost(self, tmp_path: Path) -> None:
        with create(tmp_path, description={}) as study, pytest.raises(StudyError, match="full_training_examples"):
            study.cost()


class TestResume:
    def test_a_study_goes_on_where_it_ended(self, tmp_path: Path) -> None:
        with create(tmp_path) as study:
            study.add(make_run(seed=0), purpose="search")
        with create(tmp_path, description={**DESCRIPTION, "budget": 2.0}) as study:
            study.add(make_run(seed=1), purpose="search")
            assert [stored.run for stored in study.runs()] == [make_run(seed=0), make_run(seed=1)]
            assert study.description["budget"] == 2.0
            assert study.fingerprint == FINGERPRINT

    def test_another_task_is_refused(self, tmp_path: Path) -> None:
        create(tmp_path).close()
        with pytest.raises(StudyError, match="another --out") as caught:
            create(tmp_path, fingerprint="beef")
        assert str(tmp_path) in str(caught.value)
        with Study.open(tmp_path) as study:
            assert study.description == DESCRIPTION
        create(tmp_path).close()  # the refusal has given the folder back

    def test_a_closed_study_is_one_file(self, tmp_path: Path) -> None:
        with create(tmp_path) as study:
            study.add(make_run(), purpose="search")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "study.sqlite"]

    def test_a_closed_study_says_so(self, study: Study) -> None:
        study.close()
        study.close()
        with pytest.raises(StudyError, match="closed database"):
            study.runs()
        with pytest.raises(StudyError, match="closed database"):
            study.add(make_run(), purpose="search")

    def test_a_study_that_is_dropped_is_closed(self, tmp_path: Path) -> None:
        def drop() -> None:
            create(tmp_path).note("device", "cpu")

        drop()
        gc.collect()
        with create(tmp_path) as study:
            assert study.notes == {"device": "cpu"}

    def test_another_thread_gets_a_sentence(self, study: Study) -> None:
        caught: list[StudyError] = []

        def read() -> None:
            try:
                study.runs()
            except StudyError as error:
                caught.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        assert "in the thread that uses it" in str(caught[0])


class TestReaders:
    def test_a_reader_sees_what_the_writer_adds_meanwhile(self, study: Study) -> None:
        with Study.open(study.folder) as reader:
            assert reader.runs() == ()
            study.add(make_run(), purpose="search")
            assert [stored.run for stored in reader.runs()] == [make_run()]

    def test_a_reader_outlives_the_writer(self, tmp_path: Path) -> None:
        writer = create(tmp_path)
        with Study.open(str(tmp_path)) as reader:
            writer.add(make_run(), purpose="search")
            writer.close()
            assert len(reader.runs()) == 1
        with create(tmp_path) as writer, Study.open(tmp_path) as reader:
            writer.add(make_run(seed=1), purpose="search")
            assert len(reader.runs()) == 2

    def test_a_reader_writes_nothing(self, study: Study) -> None:
        with Study.open(study.folder) as reader:
            for write in (
                lambda: reader.add(make_run(), purpose="search"),
                lambda: reader.note("device", "cpu"),
                lambda: reader.put_experiment(Experiment(probe="momentum", arms=())),
                lambda: reader.charge("memory", Cost(), purpose="search"),
            ):
                with pytest.raises(StudyError, match=r"Open it by Study\.create"):
                    write()

    def test_many_runs_are_read_by_the_bulk(self, study: Study) -> None:
        runs = [make_run(seed=seed, steps=20) for seed in range(50)]
        for run in runs:
            study.add(run, purpose="search")
        assert [stored.run for stored in study.runs()] == runs


class TestCheckpoints:
    def test_a_checkpoint_lies_in_its_folder(self, study: Study) -> None:
        path = study.checkpoint("seed=0_best-1.5")
        assert path == study.folder / "checkpoints" / "seed=0_best-1.5.pt"
        assert path.parent.is_dir()

    @pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", ".hidden", "a\x00", "a\n", "-rf"])
    def test_a_name_cannot_lead_out_of_it(self, study: Study, name: str) -> None:
        with pytest.raises(StudyError, match="checkpoint's name"):
            study.checkpoint(name)


def test_nan_is_null_and_infinity_a_number_in_the_file(study: Study) -> None:
    run = make_run(steps=3)
    run = Run(spec=run.spec, curve=Curve(**{**vars(run.curve), "train_loss": (math.nan, math.inf, -math.inf)}))
    study.add(run, purpose="search")
    connection = sqlite3.connect(study.folder / "study.sqlite")
    assert connection.execute("SELECT train_loss FROM point ORDER BY step").fetchall() == [(None,), (math.inf,), (-math.inf,)]
    connection.close()
