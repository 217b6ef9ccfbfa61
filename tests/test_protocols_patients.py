"""Populations of curves: whole, sourced, and like the patients they are said to be."""

from __future__ import annotations

from importlib.resources import files
from math import log

import numpy as np
import pytest
from benchmarks import simulated_patients as sim

from quimby import protocols, therapies
from quimby.advise.recommend import UNDECLARED
from quimby.advise.simulate_curves import drawn, normals
from quimby.core.errors import QuimbyError
from quimby.kinetics.models import LN2
from quimby.kinetics.priors import priors
from quimby.physics.nuclides import nuclide
from quimby.population.places import table
from quimby.protocols import patients

MANY = 4000


@pytest.mark.parametrize("name", patients.names())
def test_a_population_says_whose_it_is_how_many_they_were_and_where_it_is_from(name: str) -> None:
    found = patients.load(name)

    assert found.therapy in {*therapies.names(), *UNDECLARED}
    assert found.n > 0 or {r.curve for r in found.regions.values()} == {"physical decay"}
    assert len(found.source) > 20
    assert found.tag in "VDMP"
    for region in found.regions.values():
        assert all(q.source and q.tag in "VDMP" for q in region.quantities.values())


def test_every_therapy_with_a_protocol_has_a_population_and_every_protocol_names_it() -> None:
    for name in protocols.names():
        p = protocols.load(name)
        assert p.uncertainty is not None
        assert patients.load(p.uncertainty.population).therapy == p.therapy


@pytest.mark.parametrize("name", patients.names())
def test_no_curve_is_slower_than_decay_or_below_zero(name: str) -> None:
    people = patients.load(name)
    decay = LN2 / nuclide(people.nuclide).half_life_h.value
    for region in people.regions:
        for curve in drawn(people, region, patients=300, seed=2).curves.values():
            assert curve.rates.min() >= decay * (1 - 1e-9)
            for hours in (0.5, 4.0, 24.0, 96.0, 400.0):
                assert curve.at(np.full(300, hours)).min() > -1e-12


def test_what_a_table_of_priors_says_stands_there_only() -> None:
    region = patients.load("lu177-dotatate").region("kidney")
    (prior,) = (p for p in priors("kidney", with_half_life=True) if p.quantity == "effective")
    folder = files("quimby.protocols").joinpath("populations")

    assert (region.quantities["effective"].middle, region.quantities["effective"].spread) == (
        prior.median, prior.sd_ln)  # fmt: skip
    assert "51" not in folder.joinpath("lu177-dotatate.toml").read_text("utf-8")


def test_drawn_half_lives_have_the_median_and_spread_of_the_population() -> None:
    curve = drawn(patients.load("lu177-dotatate"), "kidney", patients=MANY, seed=3).curves["kidney"]
    half_lives = LN2 / curve.rates[:, 0]

    assert np.median(half_lives) == pytest.approx(51, rel=0.02)
    assert np.std(np.log(half_lives)) == pytest.approx(0.18, rel=0.05)


def test_the_spread_of_cohort_doses_is_that_of_the_published_ones() -> None:
    """Rows with a standard deviation, weighted by n, and between the means of all rows."""
    rows = [c for c in table("177Lu-DOTATATE") if (c.organ, c.unit) == ("kidney", "Gy/GBq")]
    told = [c for c in rows if c.sd]
    weights = [c.n or 0 for c in told]
    within = np.average([log(1 + ((c.sd or 0) / c.middle) ** 2) for c in told], weights=weights)
    logs, sizes = [log(c.middle) for c in rows], [c.n or 0 for c in rows]
    means = np.array(logs)
    between = np.average((means - np.average(means, weights=sizes)) ** 2, weights=sizes)
    cohort = drawn(patients.load("lu177-dotatate"), "kidney", patients=MANY, seed=4)
    dose = cohort.curves["kidney"].integral() * cohort.figures["amplitude"]

    assert sum(weights) == 113
    assert np.std(np.log(dose)) == pytest.approx((within + between) ** 0.5, rel=0.05)


def test_patients_with_thyroid_cancer_are_those_of_jentzen() -> None:
    """Residence in body and blood, the share in blood at 2 h: between first and later therapy."""
    found = drawn(patients.load("i131-dtc"), "blood", patients=MANY, seed=5)
    body, blood = found.curves["whole body"], found.curves["blood"]

    assert 22 < body.integral().mean() < 31
    assert 2.7 < blood.integral().mean() < 3.3
    assert blood.at(np.full(MANY, 2.0)).mean() == pytest.approx(0.14, abs=0.01)
    assert 0.10 < body.at(np.full(MANY, 48.0)).mean() < 0.16


def test_iodide_agrees_with_patients_written_apart_from_this_code() -> None:
    """The benchmark's compartments share nothing with these but their description."""
    rng = np.random.default_rng(6)
    others = [sim.iodide_patient(rng, sim.IODIDE[0]) for _ in range(600)]
    found = drawn(patients.load("i131-dtc"), "blood", patients=600, seed=6)

    assert found.curves["blood"].integral().mean() == pytest.approx(
        np.mean([o.blood_tiac_h() for o in others]), rel=0.06)  # fmt: skip
    assert found.curves["whole body"].integral().mean() == pytest.approx(
        np.mean([o.body.tissue_tiac_h() for o in others]), rel=0.06)  # fmt: skip


def test_what_enters_as_iodide_is_in_the_body_at_the_start() -> None:
    found = drawn(patients.load("i131-dtc"), "blood", patients=50, seed=7)

    assert found.curves["whole body"].at(np.zeros(50)) == pytest.approx(1.0, abs=1e-9)
    assert found.curves["blood"].at(np.zeros(50)) == pytest.approx(0.0, abs=1e-9)


def test_the_first_patients_are_the_same_however_many_are_drawn() -> None:
    few, many = normals(1, "scatter, scan-1", 5), normals(1, "scatter, scan-1", 500)

    assert list(few) == list(many[:5])
    assert list(few) != list(normals(1, "scatter, scan-2", 5))


ROW = '[kidney.{q}]\nmedian = 1.0\nsd_ln = 0.1\nsource = "x"\ntag = "P"\n'
HEAD = ('therapy = "t"\nnuclide = "Lu-177"\nn = 3\nsource = "s"\ntag = "P"\n'
        '[kidney]\ncurve = "two phases"\n')  # fmt: skip
WHOLE = HEAD + "".join(ROW.format(q=q) for q in ("fast", "slow", "fast_share"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("n = 3\n", "", "n: it is missing"),
        ("two phases", "three phases", "kidney.curve"),
        ("[kidney.slow]", "[kidney.late]", "needs slow"),
        ("sd_ln = 0.1", "sd_ln = -0.1", "kidney.fast: every number"),
        ('source = "x"\n', "", "kidney.fast: give median"),
        ("median = 1.0", 'median = "one"', "every number"),
    ],
)
def test_a_broken_population_is_refused_by_its_key(old: str, new: str, says: str) -> None:
    patients.read(WHOLE, name="ours")
    assert old in WHOLE
    with pytest.raises(QuimbyError, match="E-POPULATION-FILE") as caught:
        patients.read(WHOLE.replace(old, new, 1), name="ours")
    assert says in str(caught.value)


def test_an_unknown_population_or_region_is_refused_with_the_known() -> None:
    with pytest.raises(QuimbyError, match="lu177-dotatate"):
        patients.load("lu178")
    with pytest.raises(QuimbyError, match="kidney, liver"):
        patients.load("lu177-dotatate").region("knee")
