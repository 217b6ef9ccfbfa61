"""The radioiodine demos: a truth that adds up, files that say the same, a result that finds it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from math import exp, log
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from typer.testing import CliRunner

from quimby.cli.app import app
from quimby.cli.showing import compare, demo_job
from quimby.cli.terminal import console
from quimby.demo.compare import Row
from quimby.demo.radioiodine.compare import rows
from quimby.demo.radioiodine.counting import Counter, DoseRateMeter, off_by
from quimby.demo.radioiodine.facts import clock, facts, given_mbq, kinetics
from quimby.demo.radioiodine.kinetics import Course, Model, course
from quimby.demo.radioiodine.make import make_radioiodine, truth_path
from quimby.demo.radioiodine.truth import Truth
from quimby.demo.shown import THERAPIES
from quimby.devices.counting_device import read_device
from quimby.measure.readings.mapping import column_map
from quimby.measure.readings.reading import Readings, read
from quimby.measure.readings.suggest import TEMPLATE, suggest
from quimby.measure.readings.table import read_table
from quimby.study.document import read_study
from quimby.study.result import Result
from quimby.study.run import run

HALF_LIFE_H = 8.0207 * 24  # 131I, ICRP Publication 107
INTO = {"benign-thyroid": "gut", "dtc": "gut", "mibg": "blood"}
STAGES = [("benign-thyroid", "tracer"), ("benign-thyroid", "therapy"), ("dtc", "tracer"),
          ("dtc", "therapy"), ("mibg", "stage-1"), ("mibg", "stage-2")]  # fmt: skip
PATIENTS = tuple(INTO)
Made = tuple[Path, Truth]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """The files and the truth of a patient, made once."""
    folder, kept = tmp_path_factory.mktemp("demos"), dict[str, Truth]()

    def get(name: str) -> Made:
        if name not in kept:
            kept[name] = make_radioiodine(THERAPIES[name], folder / name)
        return folder / name, kept[name]

    return get


@pytest.fixture(scope="module")
def found(made: Callable[[str], Made]) -> Callable[[str], Result]:
    """The result of the ordinary chain, run once a patient."""
    kept: dict[str, Result] = {}

    def get(name: str) -> Result:
        if name not in kept:
            kept[name] = run(read_study(made(name)[0] / "study.toml"))
        return kept[name]

    return get


# Kinetics, the slow way


def integrated(of: Course, name: str, stage: str, until_h: float) -> tuple[dict[str, float], ...]:
    """Contents and integrals at a time by a numerical solver, flows written out one by one."""
    own, places = facts(name)[stage], list(of.model.names)
    lasts, rate = own.get("infusion_h", 0.0), log(2) / HALF_LIFE_H

    def change(t: float, y: np.ndarray, pouring: bool) -> list[float]:
        flow = [-rate * amount for amount in y[: len(places)]]
        for start, ends in own["rates_per_h"].items():
            for end, k in ends.items():
                moved = k * y[places.index(start)]
                flow[places.index(start)] -= moved
                flow[places.index(end)] += moved
        if pouring:
            flow[places.index(INTO[name])] += exp(-rate * t) / lasts
        return [*flow, *y[: len(places)]]

    y = np.zeros(2 * len(places))
    if not lasts:
        y[places.index(INTO[name])] = 1.0
    voids = own["voids"]
    emptied = np.arange(voids["first_h"], 24 * voids["days"], voids["every_h"]).tolist()
    stops = sorted({0.0, until_h, *(t for t in (*emptied, lasts) if t < until_h)})
    for start, end in pairwise(stops):
        pouring = start < lasts
        y = solve_ivp(change, (start, end), y, args=(pouring,), rtol=1e-9, atol=1e-12).y[:, -1]
        if any(abs(end - t) < 1e-9 for t in emptied):
            y[places.index("bladder")] = 0.0
    n = len(places)
    return dict(zip(places, y[:n], strict=True)), dict(zip(places, y[n:], strict=True))


@pytest.mark.parametrize(("name", "stage"), STAGES)
def test_contents_agree_with_a_numerical_solver(name: str, stage: str) -> None:
    of = kinetics(facts(name), stage, into=INTO[name])

    for time_h in (0.7, 26.0):
        slow, _ = integrated(of, name, stage, time_h)
        assert of.at(time_h) == pytest.approx(slow, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(("name", "stage"), STAGES[::2])
def test_integrals_agree_with_a_numerical_solver(name: str, stage: str) -> None:
    of, until_h = kinetics(facts(name), stage, into=INTO[name]), 400.0
    slow, areas = integrated(of, name, stage, until_h)
    fast = of.tiac_h()

    for place, area in areas.items():
        assert area <= fast[place] * (1 + 1e-6)
    # What is left decays away: no more can follow than the mean life of all that is there.
    assert sum(fast.values()) - sum(areas.values()) <= sum(slow.values()) * HALF_LIFE_H / log(2)
    assert sum(areas.values()) > 0.75 * sum(fast.values())


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 3.0), st.floats(0.001, 3.0), st.floats(0.1, 300.0))
def test_without_voids_nothing_but_decay_takes_activity_away(
    into: float, back: float, time_h: float
) -> None:
    model = Model({"blood": {"rest": into}, "rest": {"blood": back}}, HALF_LIFE_H)
    of = course(model, into="blood")

    assert of.in_body(time_h) == pytest.approx(exp(-log(2) * time_h / HALF_LIFE_H))
    assert sum(of.tiac_h().values()) == pytest.approx(HALF_LIFE_H / log(2))


def test_one_compartment_that_empties_is_one_exponential() -> None:
    of = course(Model({"blood": {"bladder": 0.1}}, HALF_LIFE_H), into="blood", voids_h=(5.0,))
    rate = 0.1 + log(2) / HALF_LIFE_H

    assert of.at(8.0)["blood"] == pytest.approx(exp(-8 * rate))
    assert of.tiac_h()["blood"] == pytest.approx(1 / rate)
    assert of.at(5.0)["bladder"] == 0.0


def test_at_the_end_of_an_infusion_the_body_holds_what_decay_left() -> None:
    model = Model({"blood": {"bladder": 0.4}}, HALF_LIFE_H)
    of = course(model, into="blood", infusion_h=1.25)

    assert of.in_body(1.25) == pytest.approx(exp(-log(2) * 1.25 / HALF_LIFE_H))
    assert of.in_body(0.625) == pytest.approx(0.5 * exp(-log(2) * 0.625 / HALF_LIFE_H))


# Devices


def test_a_busy_counter_loses_the_counts_that_its_dead_time_says() -> None:
    rng, rate = np.random.default_rng(3), 40_000.0
    seen = [Counter(5.0).counts(rate, 2.0, rng) for _ in range(400)]

    expected = rate / (1 + rate * 5e-6) * 2
    assert np.mean(seen) == pytest.approx(expected, abs=4 * (expected / 400) ** 0.5)
    assert np.var(seen) == pytest.approx(expected, rel=0.35)


def test_gain_drifts_by_what_was_said_from_first_to_last() -> None:
    counter = Counter(5.0, drift=0.02)

    assert counter.gain(1.0) - counter.gain(0.0) == pytest.approx(0.02)
    assert counter.gain(0.5) == 1.0


def test_a_display_shows_three_figures_and_no_finer_than_a_hundredth() -> None:
    meter, rng = DoseRateMeter(0.0, 0.0), np.random.default_rng(1)

    shown = [meter.shows(rate, rng) for rate in (0.4127, 4.126, 41.26, 412.6)]

    assert shown == ["0.41", "4.13", "41.3", "413"]


def test_positions_are_off_to_both_sides_alike() -> None:
    rng = np.random.default_rng(5)
    logs = np.log([off_by(0.03, rng) for _ in range(2000)])

    assert np.mean(logs) == pytest.approx(0.0, abs=0.003)
    assert np.std(logs) == pytest.approx(0.03, rel=0.1)


# Files


def table(folder: Path, name: str, route: str, mapping: str = "") -> Readings:
    """The readings of a table: by the mapping in the folder, or as a template's own."""
    shown = read_table(folder / name)
    if mapping:
        return read(shown, column_map((folder / mapping).read_text("utf-8"), where=mapping))
    suggested = suggest(shown, route, zone="Europe/Berlin").columns
    assert suggested.confirmed_by == TEMPLATE
    return read(shown, suggested)


@pytest.mark.parametrize(
    ("name", "file", "route", "number"),
    [
        ("benign-thyroid", "uptake-tracer.csv", "thyroid_counts", 3),
        ("benign-thyroid", "uptake-therapy.csv", "thyroid_counts", 3),
        ("benign-thyroid", "ultrasound.csv", "ultrasound", 2),
        ("dtc", "blood-tracer.csv", "blood_samples", 6),
        ("dtc", "blood-therapy.csv", "blood_samples", 6),
        ("dtc", "whole-body-therapy.csv", "whole_body", 7),
        ("mibg", "whole-body-stage-1.csv", "whole_body", 14),
        ("mibg", "whole-body-stage-2.csv", "whole_body", 14),
    ],
)
def test_tables_are_templates_that_read_back_without_a_warning(
    made: Callable[[str], Made], name: str, file: str, route: str, number: int
) -> None:
    folder, _ = made(name)
    found = table(folder, file, route)

    assert len(found.readings) == number
    assert {r.patient for r in found.readings} == {facts(name)["patient"]["id"]}
    assert {n.code for n in found.notes} <= {"I-TIME-ZONE"}


def test_the_german_table_reads_back_by_its_confirmed_mapping(made: Callable[[str], Made]) -> None:
    folder, _ = made("dtc")
    found = table(folder, "ganzkoerper-tracer.csv", "whole_body", "ganzkoerper-mapping.toml")
    first = found.readings[0]

    assert first.at == datetime(2026, 4, 20, 10, 54, tzinfo=ZoneInfo("Europe/Berlin"))
    assert first.quantities["front"].live_s == 300
    assert first.value("distance") == 2050
    assert [r.answers["voided"] for r in found.readings] == ["no"] + ["yes"] * 5


def test_the_uptake_after_summer_time_began_is_as_many_hours_later_as_meant(
    made: Callable[[str], Made],
) -> None:
    folder, _ = made("benign-thyroid")
    own = facts("benign-thyroid")
    when = clock(own, "tracer")
    times = [r.at for r in table(folder, "uptake-tracer.csv", "thyroid_counts").readings]

    assert [when.hours(t) for t in times if t] == pytest.approx(own["tracer"]["uptake_h"])
    assert {t.utcoffset() for t in times if t} == {when.start.utcoffset(),
                                                   when.at(100.0).utcoffset()}  # fmt: skip
    assert when.start.utcoffset() != when.at(100.0).utcoffset()


def test_counts_follow_the_true_curve_within_position_and_poisson(
    made: Callable[[str], Made],
) -> None:
    folder, known = made("benign-thyroid")
    own = facts("benign-thyroid")
    for row, uptake in zip(table(folder, "uptake-tracer.csv", "thyroid_counts").readings,
                           known.stages["tracer"].figures.values(), strict=True):  # fmt: skip
        neck, thigh, standard, room = (
            row.quantities[k].rate_cps for k in ("neck", "thigh", "standard", "room")
        )
        assert row.at is not None
        left = 2 ** (-clock(own, "tracer").hours(row.at) / HALF_LIFE_H)
        plain = (neck - thigh) / (standard - room) * own["tracer"]["standard_mbq"] * left

        assert plain / own["tracer"]["shown_mbq"] == pytest.approx(uptake, rel=0.10)


@pytest.mark.parametrize("name", PATIENTS)
def test_devices_read_back_and_nothing_is_overdue(
    made: Callable[[str], Made], found: Callable[[str], Result], name: str
) -> None:
    folder, _ = made(name)
    study = read_study(folder / "study.toml").document
    named = {m.device for a in study.administrations for m in a.readings if m.device}
    meters = {a.meter for a in study.administrations if a.meter}

    for file in named | meters:
        assert read_device(folder / file).done
    bad = [n.code for n in found(name).notes if n.code.startswith(("S-QC", "W-QC", "W-DEV", "S-CAL",
                                                                   "S-DEV", "E-"))]  # fmt: skip
    assert bad == []
    assert len(named) + len(meters) == {"benign-thyroid": 2, "dtc": 4, "mibg": 2}[name]


@pytest.mark.parametrize(("name", "stage"), STAGES)
def test_the_study_says_what_the_meter_showed_and_not_the_truth(
    made: Callable[[str], Made], name: str, stage: str
) -> None:
    folder, known = made(name)
    document = read_study(folder / "study.toml").document
    written = next(a for a in document.administrations if a.id == stage)

    assert written.activity == facts(name)[stage]["shown_mbq"]
    assert written.at == clock(facts(name), stage).start
    off = known.stages[stage].administered_mbq / (written.activity or 0.0) - 1
    assert 0.003 < abs(off) < 0.03


@pytest.mark.parametrize("name", PATIENTS)
def test_every_gate_that_must_be_asked_is_answered(
    found: Callable[[str], Result], name: str
) -> None:
    plan = found(name).plan

    assert plan is not None
    assert {state for _, _, state in plan.gates} == {"passed"}


@pytest.mark.parametrize("name", PATIENTS)
def test_the_truth_lies_beside_the_patient_and_never_inside(
    made: Callable[[str], Made], name: str
) -> None:
    folder, known = made(name)
    told = json.loads(truth_path(folder).read_text("utf-8"))

    assert truth_path(folder).parent == folder.parent
    assert not [f for f in folder.iterdir() if "truth" in f.name]
    assert set(told["stages"]) == set(known.stages)
    assert "not the formulas" in told["note"]


@pytest.mark.parametrize("name", PATIENTS)
def test_a_demo_is_the_same_again_byte_by_byte(
    made: Callable[[str], Made], name: str, tmp_path: Path
) -> None:
    folder, _ = made(name)
    make_radioiodine(THERAPIES[name], tmp_path / name)

    first = {f.name: f.read_bytes() for f in folder.iterdir()}
    assert {f.name: f.read_bytes() for f in (tmp_path / name).iterdir()} == first


def test_another_seed_changes_the_readings_and_not_the_truth(
    made: Callable[[str], Made], tmp_path: Path
) -> None:
    folder, known = made("mibg")
    other = make_radioiodine("MIBG-WB", tmp_path / "mibg", seed=7)
    file = "whole-body-stage-1.csv"

    assert other.stages == known.stages
    assert (tmp_path / "mibg" / file).read_text() != (folder / file).read_text()


# Truth


def test_the_thyroid_dose_is_the_formula_by_hand(made: Callable[[str], Made]) -> None:
    stage = made("benign-thyroid")[1].stages["therapy"]
    mass = 1.05 * facts("benign-thyroid")["gland"]["true_volume_ml"]

    by_hand = (mass**0.25 + 18) / 7.2 * stage.administered_mbq * stage.tiac["Thyroid"] / 24 / mass

    assert stage.dose_gy["Thyroid"] == pytest.approx(by_hand)


def test_the_blood_dose_is_the_formula_by_hand(made: Callable[[str], Made]) -> None:
    stage = made("dtc")[1].stages["tracer"]
    photons = 0.0188 / facts("dtc")["patient"]["true_weight_kg"] ** (2 / 3)

    by_hand = 108 * stage.tiac["Blood"] + photons * stage.tiac["Whole body"]

    assert stage.per_gbq("Blood") == pytest.approx(by_hand)


def test_the_whole_body_dose_is_the_formula_by_hand(made: Callable[[str], Made]) -> None:
    stage = made("mibg")[1].stages["stage-2"]
    s = 1.34e-4 * facts("mibg")["stage-2"]["true_weight_kg"] ** -0.921

    by_hand = s * stage.tiac["Whole body"] * stage.administered_mbq

    assert stage.dose_gy["Whole body"] == pytest.approx(by_hand)


def test_what_the_true_plan_gives_reaches_its_aim(made: Callable[[str], Made]) -> None:
    plans: Mapping[str, Truth] = {name: made(name)[1] for name in PATIENTS}
    thyroid, cancer, child = plans["benign-thyroid"], plans["dtc"], plans["mibg"]
    assert thyroid.plan is not None
    assert cancer.plan is not None
    assert child.plan is not None
    second = child.verified["Whole-body dose, second stage"].planned_gy
    per_mbq = second / child.stages["stage-2"].administered_mbq

    assert thyroid.plan.activity_mbq * thyroid.stages["tracer"].per_gbq("Thyroid") / 1e3 == (
        pytest.approx(150)
    )
    assert cancer.plan.allowed_mbq["blood"] * cancer.stages["tracer"].per_gbq("Blood") / 1e3 == (
        pytest.approx(2.0)
    )
    assert cancer.plan.activity_mbq == min(cancer.plan.allowed_mbq.values())
    both = child.stages["stage-1"].dose_gy["Whole body"] + per_mbq * child.plan.activity_mbq
    assert both == pytest.approx(4.0)


def test_a_residue_counts_as_not_given() -> None:
    own = facts("mibg")
    left = 62.0 * 2 ** (1.5 / HALF_LIFE_H)

    assert given_mbq(own, "stage-1") == pytest.approx((10730 - left) / 1.006)


# The result


@pytest.mark.parametrize("name", PATIENTS)
def test_the_truth_lies_inside_the_stated_interval_of_every_figure(
    made: Callable[[str], Made], found: Callable[[str], Result], name: str
) -> None:
    compared = rows(found(name), made(name)[1])

    outside = [f"{r.stage}, {r.what}: {r.true:g}, found {r.found.value:g} ± {r.found.u:g}"
               for r in compared if not r.inside]  # fmt: skip
    assert outside == []
    assert len(compared) == {"benign-thyroid": 6, "dtc": 9, "mibg": 7}[name]


def test_a_row_says_when_the_truth_is_outside(made: Callable[[str], Made],
                                              found: Callable[[str], Result]) -> None:  # fmt: skip
    wrong = made("mibg")[1]
    twice = {n: s.__class__(s.administered_mbq, {k: 2 * v for k, v in s.tiac.items()}, s.dose_gy)
             for n, s in wrong.stages.items()}  # fmt: skip
    known = Truth(**{f: getattr(wrong, f) for f in Truth.__dataclass_fields__} | {"stages": twice})

    outside = [r.what for r in rows(found("mibg"), known) if not r.inside]

    assert outside == ["Whole body, integral"] * 2


# The command


def test_the_command_offers_every_patient_and_names_them_for_a_wrong_one() -> None:
    answer = CliRunner().invoke(app, ["demo", "--therapy", "graves"])

    assert answer.exit_code == 2
    for name in THERAPIES:
        assert name in answer.output


def test_the_demo_writes_a_report_and_shows_truth_beside_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo_job(tmp_path / "out", therapy="mibg") == 0
    said = capsys.readouterr().out

    assert said.startswith("A made-up child")
    assert "stage 2   Whole body, dose" in said
    assert "patient.truth.json" in said
    assert (tmp_path / "out" / "report" / "report.pdf").stat().st_size > 10_000


@pytest.mark.parametrize("name", PATIENTS)
def test_truth_beside_result_fits_a_terminal(
    made: Callable[[str], Made], found: Callable[[str], Result], name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    compare(console(), rows(found(name), made(name)[1]))
    lines = capsys.readouterr().out.splitlines()

    assert max(len(line) for line in lines) <= 96
    assert "the largest doubt is" in lines[-1]


def test_a_figure_outside_is_told_as_no(
    made: Callable[[str], Made], found: Callable[[str], Result],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    first = rows(found("mibg"), made("mibg")[1])[1]
    compare(console(), [Row(first.stage, first.what, "Gy", 9.0, first.found)])

    assert capsys.readouterr().out.splitlines()[2].endswith("no")
