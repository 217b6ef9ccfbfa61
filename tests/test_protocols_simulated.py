"""Expected doubt by simulation: what the documents say comes out, and for the right reason."""

from __future__ import annotations

import json
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from quimby import protocols
from quimby.advise import simulate_counts, simulate_images
from quimby.advise.adapt import Changes, Move, adapted
from quimby.advise.anchors import anchors, held
from quimby.advise.schedule import at_middle
from quimby.advise.simulate import SEED, Simulated, simulate
from quimby.advise.simulate_batch import IMPOSSIBLE, Batch, integrals
from quimby.advise.simulate_curves import Curves, drawn
from quimby.advise.simulate_readings import scatter_u, taken
from quimby.cli.app import app
from quimby.core.errors import QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.kinetics.fit import fit
from quimby.kinetics.models import LN2
from quimby.kinetics.one_point import population_bias
from quimby.protocols import Protocol, patients
from quimby.protocols.curve_plan import manner, planned

SIMULATED = [n for n in protocols.names() if not n.startswith("Y90")]
FEW = 150


def moved(name: str, acquisition: str, low: float, high: float) -> Protocol:
    return adapted(protocols.load(name), Changes(move=(Move(acquisition, low, high),)))


@pytest.mark.parametrize("name", SIMULATED)
def test_a_document_says_what_its_simulation_gives(name: str) -> None:
    """With fewer patients and other random numbers: within four standard deviations of chance."""
    p = protocols.load(name)
    assert p.uncertainty is not None
    stated = p.uncertainty.simulated
    assert stated is not None
    assert stated.simulation is not None
    again = simulate(p, patients=FEW, seed=stated.simulation.seed + 1)
    chance = np.hypot(stated.simulation.u_mc * (1000 / FEW) ** 0.5, again.u_mc)

    assert abs(again.u_rel - stated.u) < 4 * chance + 0.001
    assert stated.simulation.command == (
        f"quimby protocol simulate {name} --patients 1000 --seed {SEED}")  # fmt: skip


def test_published_figures_agree_within_30_per_cent_or_the_difference_is_explained() -> None:
    rows = [held(a, patients=400) for a in anchors()]

    assert [a.u for a in anchors()] == [0.13, 0.19, 0.17, 0.05]
    assert [r.agrees for r in rows[:3]] == [True] * 3
    for one in rows:
        assert one.agrees or len(one.anchor.why) > 60
    # what `why` says of the last one: its scatter agrees, a bias of 4 % does the rest
    assert rows[3].simulated.scatter == pytest.approx(0.05, rel=0.2)
    assert rows[3].simulated.bias == pytest.approx(0.04, abs=0.01)


def test_one_scan_and_a_known_population_have_the_error_that_theory_gives() -> None:
    """Exact readings of one exponential: the root mean square of the closed form over quantiles."""
    found = simulate(moved("LU-STP", "scan-1", 23.9, 24.1), patients=3000, exact=True)
    people = drawn(patients.load("lu177-dotatate"), "kidney", patients=3000, seed=SEED)
    half_lives = LN2 / people.curves["kidney"].rates[:, 0]
    theory = [log(1 + population_bias(24.0, population_h=51.0, true_h=float(t)))
              for t in half_lives]  # fmt: skip

    assert found.u_rel == pytest.approx(float(np.sqrt(np.mean(np.square(theory)))), rel=0.06)


def test_exact_readings_of_the_planned_curve_leave_nothing_when_scans_are_enough() -> None:
    assert simulate(protocols.load("BT-FULL"), patients=60, exact=True).u_rel < 1e-6
    assert simulate(protocols.load("LU-FULL"), patients=60, exact=True).u_rel < 0.01


def test_what_decays_only_has_no_doubt_of_its_curve() -> None:
    found = simulate(protocols.load("Y90-FULL"), patients=50)
    expected = protocols.load("Y90-FULL").uncertainty

    assert found.u_rel == 0
    assert expected is not None
    assert found.total == pytest.approx(expected.u_rel)


def test_the_total_is_the_curve_and_the_other_components_in_quadrature() -> None:
    found = simulate(protocols.load("LU-TWO"), patients=100)

    assert found.total == pytest.approx(
        (found.u_rel**2 + 0.02**2 + 0.04**2 + 0.05**2 + 0.08**2 + 0.05**2) ** 0.5)  # fmt: skip


def test_the_same_seed_gives_the_same_errors_and_another_does_not() -> None:
    p = protocols.load("LU-STP")
    one, same, other = (simulate(p, patients=50, seed=s).errors for s in (1, 1, 2))

    assert list(one) == list(same)
    assert list(one) != list(other)


def test_what_chance_does_falls_with_the_root_of_the_patients() -> None:
    few, many = (simulate(protocols.load("LU-STP"), patients=n) for n in (500, 4500))

    assert many.u_mc == pytest.approx(few.u_mc / 3, rel=0.6)
    assert abs(few.u_rel - many.u_rel) < 3 * np.hypot(few.u_mc, many.u_mc)


@pytest.mark.parametrize(
    ("name", "region"),
    [("LU-FULL", "kidney"), ("LU-TWO", "lesion"), ("LU-HYB", "kidney"), ("LU-PSMA-STP", "kidney")],
)
def test_the_quick_way_gives_what_the_chain_gives(name: str, region: str) -> None:
    """Patient by patient: many fits at once against `kinetics.choose` for each."""
    p = protocols.load(name)
    people = patients.load(p.uncertainty.population if p.uncertainty else "")
    curve = drawn(people, region, patients=12, seed=9).curves[region]
    read = taken(p, patients=12, seed=9)
    quick, _ = simulate_images.image_tias(p, region, read, curve, half_life_h=159.528)
    values = {t.id: t.of(curve) for t in read}
    for i in range(12):
        rows = simulate_images.readings(read, values, i)
        slow = simulate_images.by_choice(rows, planned(p, region, len(rows)),
                                         manner(p, region),
                                         half_life_h=159.528)  # fmt: skip
        assert quick[i] == pytest.approx(slow, rel=1e-6)


@pytest.mark.parametrize("model", ["mono", "uptake-clearance", "partial-uptake", "bi-clearance"])
@pytest.mark.parametrize("scans", [4, 5])
def test_many_fits_at_once_tell_what_one_by_one_tells(model: str, scans: int) -> None:
    """Value and p of what stands, the same refusals, and hardly any that is left open."""
    p = at_middle(protocols.load("LU-HYB"))
    curve = drawn(patients.load("lu177-dotatate"), "kidney", patients=8, seed=4).curves["kidney"]
    read = taken(p, patients=8, seed=4)
    rows = [simulate_images.readings(read, {t.id: t.of(curve) for t in read}, i)[-scans:]
            for i in range(8)]  # fmt: skip
    known = planned(p, "kidney", scans).priors
    values, chance = integrals(simulate_images._batch(rows), model, known, half_life_h=159.528)
    for row, value, p_value in zip(rows, values, chance, strict=True):
        try:
            slow = fit(model, [t for t, _ in row], [a for _, a in row],
                       physical_half_life_h=159.528, priors=known)  # fmt: skip
        except QuimbyError:
            assert np.isnan(value)
            continue
        assert p_value != IMPOSSIBLE
        if np.isfinite(value):
            assert value == pytest.approx(slow.tia_mbq_h.value, rel=1e-6)
            assert p_value == pytest.approx(1.0 if slow.p is None else slow.p, abs=1e-6)
    unknown = np.isnan(values) & (chance != IMPOSSIBLE)
    assert np.sum(unknown) <= (2 if model == "bi-clearance" else 0)


def test_a_curve_slower_than_decay_is_left_to_the_chain() -> None:
    times = np.array([[24.0], [96.0], [168.0]])
    batch = Batch(times, -LN2 * times / 170, np.full((3, 1), 0.05))
    values, p = integrals(batch, "mono", (), half_life_h=159.528)
    assert np.isnan(values[0])
    assert p[0] != IMPOSSIBLE


def test_the_quick_way_of_three_uptakes_gives_what_the_chain_gives() -> None:
    p = protocols.load("BT-FULL")
    people = patients.load("i131-benign-thyroid")
    curve = drawn(people, "graves", patients=10, seed=3).curves["graves"]
    read = [t for t in taken(p, patients=10, seed=3) if t.kind == "thyroid"]
    quick, refused = simulate_counts.uptake_tiacs_h(p, "graves", read, curve, half_life_h=192.5)
    values = {t.id: t.of(curve) for t in read}

    assert not refused
    for i in range(10):
        slow = simulate_counts.by_chain(p, "graves", read, values, i, half_life_h=192.5)
        assert quick[i] == pytest.approx(slow, rel=1e-6)


def test_times_lie_in_their_windows_and_one_visit_has_one_time() -> None:
    p = protocols.load("DTC-BLOOD")
    by_id = {t.id: t for t in taken(p, patients=200, seed=1)}
    for a in p.acquisition:
        assert by_id[a.id].times_h.min() >= min(a.window_h[0], 0.1)
        assert by_id[a.id].times_h.max() <= a.window_h[1]

    assert list(by_id["blood-late"].times_h) == list(by_id["whole-body-late"].times_h)
    assert list(by_id["blood-late"].times_h) != list(by_id["blood-middle"].times_h)


def test_a_spect_with_planar_scans_is_taken_beside_one_of_them() -> None:
    by_id = {t.id: t for t in taken(protocols.load("LU-HYB"), patients=100, seed=1)}
    spect = by_id["spect"].times_h
    beside = [by_id[n].times_h for n in ("planar-day-1", "planar-day-3-or-4")]

    assert np.all((spect == beside[0]) | (spect == beside[1]))
    assert 0.2 < np.mean(spect == beside[0]) < 0.8


def test_a_hand_held_monitor_scatters_more_at_each_reading() -> None:
    p = protocols.load("MIBG-WB")
    need = p.requires.model_copy(update={"equipment": (("hand_held_monitor",),)})
    other = p.model_copy(update={"requires": need})

    assert scatter_u(other, "whole_body") == pytest.approx(
        (scatter_u(p, "whole_body") ** 2 + 0.05**2) ** 0.5)  # fmt: skip
    assert simulate(other, patients=300).u_rel > simulate(p, patients=300).u_rel


def test_shared_error_of_blood_counts_moves_the_dose_by_less_than_itself() -> None:
    """Electrons of the blood are 70 to 75 % of its dose; the photons are by the whole body."""
    p = protocols.load("DTC-BLOOD")
    without = simulate(p, patients=200)
    with_it = simulate(p, patients=200, shared={"blood": 0.10})
    moved_by = float(np.sqrt(np.mean((with_it.errors - without.errors) ** 2)))

    assert 0.06 < moved_by < 0.085


def test_a_curve_read_exactly_is_the_curve() -> None:
    curve = Curves(np.array([[2.0, -1.0]]), np.array([[0.01, 0.1]]))

    assert curve.at(np.array([10.0]))[0] == pytest.approx(2 * np.exp(-0.1) - np.exp(-1.0))
    assert curve.integral()[0] == pytest.approx(190.0)


def test_a_protocol_without_population_or_for_another_region_is_refused() -> None:
    p = protocols.load("LU-STP")
    bare = p.model_copy(update={"uncertainty": None})
    with pytest.raises(QuimbyError, match="E-SIM-POPULATION"):
        simulate(bare)
    with pytest.raises(QuimbyError, match="E-POPULATION-REGION"):
        simulate(p, region="knee")
    dtc = protocols.load("DTC-BLOOD")
    images = dtc.model_copy(update={"readings": p.readings, "calculation": p.calculation})
    with pytest.raises(QuimbyError, match="E-SIM-METHOD"):
        simulate(images)


def test_what_the_chain_refuses_is_counted_and_too_much_of_it_refused() -> None:
    p = protocols.load("DTC-BLOOD")
    one = p.model_copy(update={"acquisition": tuple(
        a for a in p.acquisition if a.id not in ("blood-middle", "blood-late"))})  # fmt: skip
    with pytest.raises(QuimbyError, match="100 % of simulated patients with E-TIA-FEW"):
        simulate(one, patients=20)
    assert isinstance(simulate(protocols.load("BT-FULL"), patients=FEW), Simulated)


def invoked(*words: str) -> Any:
    return CliRunner().invoke(app, ["protocol", "simulate", *words])


def test_the_command_says_whose_patients_which_components_and_what_others_found() -> None:
    shown = invoked("LU-STP", "--patients", "100").stdout
    found = json.loads(invoked("LU-STP", "--patients", "100", "--json").stdout)

    assert max(map(len, shown.splitlines())) <= 96
    for words in ("29 published patients", "Hänscheid", "camera calibration", "Total", "Held to"):
        assert words in shown
    assert found["curve"]["u_rel"] == simulate(protocols.load("LU-STP"), patients=100).u_rel
    assert found["population"]["n"] == 29
    assert found["total"] > found["curve"]["u_rel"]


def test_writing_replaces_the_figure_and_how_it_was_found_and_nothing_else(tmp_path: Path) -> None:
    source = Path(protocols.__file__).parent / "data" / "LU-STP.toml"
    ours = tmp_path / "ours.toml"
    ours.write_text(source.read_text("utf-8").replace("66.0, 126.0", "22.0, 26.0"), "utf-8")
    done = invoked(str(ours), "--patients", "100", "--seed", "5", "--write")
    old, new = source.read_text("utf-8").splitlines(), ours.read_text("utf-8").splitlines()
    expected = protocols.load_file(ours).uncertainty

    assert done.exit_code == 0
    changed = [b.split(" = ")[0] for a, b in zip(old, new, strict=True) if a != b]
    assert changed == ["window_h", "u", "simulation"]
    assert expected is not None
    assert expected.simulated is not None
    assert expected.simulated.u == pytest.approx(0.13, abs=0.03)
    assert expected.simulated.simulation is not None
    assert expected.simulated.simulation.seed == 5


def test_a_document_without_a_simulated_component_cannot_be_written_to(tmp_path: Path) -> None:
    source = Path(protocols.__file__).parent / "data" / "Y90-FULL.toml"
    ours = tmp_path / "ours.toml"
    ours.write_text(source.read_text("utf-8"), "utf-8")
    before = ours.read_text("utf-8")

    assert invoked(str(ours), "--patients", "20", "--write").exit_code == 10
    assert ours.read_text("utf-8") == before


def test_a_wider_population_brings_more_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What LU-PSMA-STP says of itself: with a spread of 24 % its total would be 15 %."""
    people = patients.load("lu177-psma")
    kidney = people.region("kidney")
    narrow = replace(kidney.quantities["effective"], spread=0.24)
    changed = replace(kidney, quantities={**kidney.quantities, "effective": narrow})
    other = replace(people, regions={**people.regions, "kidney": changed})
    wide = simulate(protocols.load("LU-PSMA-STP"), patients=600)
    monkeypatch.setattr(patients, "load", lambda _: other)
    found = simulate(protocols.load("LU-PSMA-STP"), patients=600)

    assert found.total == pytest.approx(0.15, abs=0.01)
    assert found.u_rel < wide.u_rel / 3


def test_a_hybrid_with_planar_scans_alone_cannot_be_planned() -> None:
    p = protocols.load("LU-HYB")
    with pytest.raises(QuimbyError, match="no scale without a SPECT/CT"):
        adapted(p, Changes(drop=("spect",)))


def test_uncertain_readings_carry_their_own_scatter_and_no_other() -> None:
    p = protocols.load("LU-TWO")
    curve = drawn(patients.load("lu177-dotatate"), "kidney", patients=2, seed=1).curves["kidney"]
    read = taken(p, patients=2, seed=1)
    rows = simulate_images.readings(read, {t.id: t.of(curve) for t in read}, 0)

    assert all(isinstance(a, Uncertain) and a.u_rel == pytest.approx(0.05) for _, a in rows)
