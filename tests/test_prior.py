"""A centre's own patients become priors: spread between them, without the measurements' doubt."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quimby.core.errors import InputError, QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.kinetics.cohort import Observation, observed, spread, without_prior
from quimby.kinetics.fit import fit
from quimby.kinetics.priors import (
    is_wide,
    known_priors,
    priors,
    read_prior_file,
    read_priors,
)
from quimby.protocols import load
from quimby.protocols.curve_plan import planned
from quimby.report import json as result_json
from quimby.study.cohort_files import read_cohort
from quimby.study.curves import region_curves
from quimby.study.prior_text import learn, prior_text
from tests.sample_result import sample_result
from tests.variants import quimby
from tests.voxel_phantom import Phantom, scanned

TP = 159.53


def cohort(n: int, *, sd: float, u: float, seed: int = 1, tissue: str = "kidney"
           ) -> list[Observation]:  # fmt: skip
    """Patients whose true half-lives have median 50 h and spread `sd`, each measured with `u`."""
    random = np.random.default_rng(seed)
    truth = log(50.0) + sd * random.standard_normal(n)
    seen = truth + u * random.standard_normal(n)
    return [Observation(f"p{i}", tissue, "effective", float(x), u) for i, x in enumerate(seen)]


def test_the_measurements_own_doubt_is_taken_off_the_spread() -> None:
    found = spread(cohort(2000, sd=0.20, u=0.15), where="kidney")
    assert found.between_sd_ln == pytest.approx(0.20, abs=0.02)
    assert found.seen_sd_ln == pytest.approx(0.25, abs=0.02)
    assert found.measured_u_ln == pytest.approx(0.15)
    assert found.median == pytest.approx(50.0, rel=0.02)
    assert found.notes == ()


def test_the_spread_lies_in_its_own_doubt_of_the_truth() -> None:
    """Of many cohorts of 30, about two thirds lie within one standard doubt."""
    found = [spread(cohort(30, sd=0.20, u=0.10, seed=s), where="kidney") for s in range(200)]
    inside = sum(abs(f.between_sd_ln - 0.20) <= f.sd_ln_u for f in found) / len(found)
    assert 0.55 <= inside <= 0.80
    medians = [log(f.median / 50.0) / f.median_u_ln for f in found]
    assert np.std(medians) == pytest.approx(1.0, abs=0.15)


def test_the_next_patient_may_differ_by_spread_and_by_the_doubt_of_the_median() -> None:
    values = [exp(x) for x in (3.6, 3.8, 4.0, 4.2, 4.4)]
    found = spread([observed(f"p{i}", "liver", "uptake", v) for i, v in enumerate(values)],
                   where="liver")  # fmt: skip
    assert found.median == pytest.approx(exp(4.0))
    assert found.seen_sd_ln == pytest.approx(sqrt(0.1))
    assert found.sd_ln == pytest.approx(sqrt(0.1 + 0.1 / 5))
    assert {n.code for n in found.notes} == {"W-SMALL-COHORT", "W-PRIOR-NO-U"}


def test_a_spread_hidden_in_the_measurements_is_not_taken_for_none() -> None:
    found = spread(cohort(25, sd=0.01, u=0.20), where="kidney")
    assert "W-PRIOR-SPREAD" in {n.code for n in found.notes}
    assert 0.05 < found.between_sd_ln < 0.20


def test_several_values_of_one_patient_count_as_one() -> None:
    rows = cohort(12, sd=0.2, u=0.05)
    thrice, once = (spread(rows * times, where="kidney") for times in (3, 1))
    assert thrice.n == once.n == 12
    assert thrice.sd_ln == pytest.approx(once.sd_ln)
    assert thrice.measured_u_ln == pytest.approx(once.measured_u_ln)


def test_too_few_patients_and_copies_of_one_are_refused() -> None:
    with pytest.raises(QuimbyError, match="4 patients tell no spread"):
        spread(cohort(4, sd=0.2, u=0.05), where="kidney")
    same = [observed(f"p{i}", "kidney", "effective", 50.0) for i in range(8)]
    with pytest.raises(QuimbyError, match="the very same value") as caught:
        spread(same, where="kidney")
    assert caught.value.code == "E-PRIOR-SAME"


@pytest.mark.parametrize(("quantity", "value", "u"), [
    ("effective", 0.0, None), ("effective", -3.0, 1.0), ("effective", 50.0, 60.0),
    ("half-life", 50.0, 5.0),
])  # fmt: skip
def test_a_value_that_is_none_is_refused(quantity: str, value: float, u: float | None) -> None:
    with pytest.raises(QuimbyError) as caught:
        observed("p", "kidney", quantity, value, u=u)
    assert caught.value.code == "E-PRIOR-VALUE"


def test_what_a_prior_brought_is_taken_off_again() -> None:
    """Readings of 3.0 +- 0.2 with a prior of 2.0 +- 0.3, combined by hand and parted again."""
    w = (1 / 0.3**2) / (1 / 0.3**2 + 1 / 0.2**2)
    together, u = w * 2.0 + (1 - w) * 3.0, 1 / sqrt(1 / 0.3**2 + 1 / 0.2**2)
    found = without_prior(together, u, prior_part_ln=w * 0.3, prior_ln=2.0, prior_sd_ln=0.3)
    assert found is not None
    assert found[0] == pytest.approx(3.0)
    assert found[1] == pytest.approx(0.2)


def test_a_value_that_the_prior_told_is_no_patient_s() -> None:
    assert without_prior(2.1, 0.29, prior_part_ln=0.25, prior_ln=2.0, prior_sd_ln=0.3) is None


def test_a_fitted_uptake_is_parted_from_its_prior_as_normal_theory_says() -> None:
    """The real fit: the readings alone, drawn from its budget, move less than 0.1 in ln with the
    prior's median doubled, while the fit itself moves more."""
    told, alone = [], []
    for factor in (1.0, 2.0):
        known = [replace(p, median=p.median * factor) if p.quantity == "uptake" else p
                 for p in priors("lesion")]  # fmt: skip
        readings = [Uncertain(a, {f"counts, {i}": 0.02 * a})
                    for i, a in enumerate((4.0, 7.0, 10.5, 9.0, 5.5))]  # fmt: skip
        found = fit("partial-uptake", (1.0, 4.0, 24.0, 72.0, 144.0), readings,
                    physical_half_life_h=TP, priors=known)  # fmt: skip
        value = found.half_lives_h["uptake"]
        prior = next(p for p in known if p.quantity == "uptake")
        own = without_prior(log(value.value), value.u_rel,
                            prior_part_ln=value.parts[prior.cause] / value.value,
                            prior_ln=log(prior.median), prior_sd_ln=prior.sd_ln)  # fmt: skip
        assert own is not None
        told.append(log(value.value))
        alone.append(own[0])
    assert abs(alone[1] - alone[0]) < 0.3 * abs(told[1] - told[0])


def written(folder: Path, n: int, *, example: bool = False, scans: int | None = None
            ) -> list[Path]:  # fmt: skip
    """Results of n patients, whose kidneys' half-lives differ as 40, 42, 44, … h."""
    base = json.loads(result_json.text(sample_result(pictures=False)))
    found = []
    for i in range(n):
        body: dict[str, Any] = json.loads(json.dumps(base))
        body |= {"example": example, "study_id": f"study-{i}"}
        body["patient"]["id"] = f"PATIENT-{i}"
        for row in body["regions"]:
            if scans is not None:
                row["samples"] = row["samples"][:scans]
            if row["curve"]:
                halves, rest = row["curve"]["half_lives_h"], row["curve"]["parameters"]
                for value in (*halves.values(), *rest.values()):
                    value["value"] *= 1 + 0.05 * i
            if row["organ"] == "kidney" and row["curve"]:
                half = row["curve"]["half_lives_h"]["effective"]
                half |= {"value": 40.0 + 2 * i, "u": 1.0, "budget": {"counts": 1.0}}
        file = folder / f"{i}" / "result.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(body), "utf-8")
        found.append(file)
    return found


def test_results_of_patients_make_a_table_that_curves_read(tmp_path: Path) -> None:
    written(tmp_path, 8)
    found = read_cohort([tmp_path])
    assert (found.therapy, found.files, len(found.patients)) == ("lu177-dotatate", 8, 8)
    learned = learn(found)
    own = learned.spreads["kidney", "effective"]
    assert own.n == 8
    assert own.median == pytest.approx(exp(np.mean([log(40.0 + 2 * i) for i in range(8)])))
    text = prior_text(found, learned, centre="Example Hospital", made=date(2026, 6, 1))
    table = read_priors(text, name="prior.toml")
    (half_life,) = [p for p in priors("kidney", own=table, with_half_life=True)
                    if p.quantity == "effective"]  # fmt: skip
    assert half_life.median == pytest.approx(own.median, rel=1e-3)
    assert half_life.sd_ln == pytest.approx(own.sd_ln, rel=1e-3)
    assert (half_life.tag, half_life.source) == ("P", "own patients of Example Hospital, n = 8")


def test_no_patient_can_be_read_out_of_the_table(tmp_path: Path) -> None:
    written(tmp_path, 6)
    found = read_cohort([tmp_path])
    text = prior_text(found, learn(found), made=date(2026, 6, 1))
    assert "PATIENT-" not in text
    assert "study-" not in text
    (tmp_path / "one.csv").write_text("patient,organ,quantity,value,u\nPATIENT-0,kidney,effective,"
                                      "50,1\n", "utf-8")  # fmt: skip
    other = read_cohort([tmp_path / "one.csv"])
    assert set(other.patients).isdisjoint(found.patients)


def test_invented_data_and_too_few_scans_are_left_out_by_name(tmp_path: Path) -> None:
    written(tmp_path / "demo", 1, example=True)
    written(tmp_path / "short", 2, scans=2)
    found = read_cohort([tmp_path])
    assert found.observations == ()
    said = " ".join(n.text for n in found.notes)
    assert "its data are invented" in said
    assert "2 scans only" in said
    with pytest.raises(InputError, match="No organ has enough patients") as caught:
        learn(found)
    assert caught.value.code == "E-PRIOR-EMPTY"


def test_a_table_of_values_is_read_with_organs_by_any_of_their_names(tmp_path: Path) -> None:
    rows = "".join(f"p{i},Niere,effective,{40 + 3 * i},2\n" for i in range(7))
    (tmp_path / "own.csv").write_text(f"patient,organ,quantity,value,u\n{rows}", "utf-8")
    found = read_cohort([tmp_path / "own.csv"], therapy="lu177-psma")
    assert {o.tissue for o in found.observations} == {"kidney"}
    assert found.therapy == "lu177-psma"
    assert found.observations[0].u_ln == pytest.approx(2 / 40)


@pytest.mark.parametrize(("text", "said"), [
    ("patient,organ,value,u\n", "lacks quantity"),
    ("patient,organ,quantity,value,u\np,kidney,effective,long,\n", "could not convert"),
    ("patient,organ,quantity,value,u\np,soup,effective,50,\n", "soup"),
    ("patient,organ,quantity,value,u\n,kidney,effective,50,\n", "no patient"),
])  # fmt: skip
def test_a_table_that_cannot_be_read_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "own.csv").write_text(text, "utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_cohort([tmp_path / "own.csv"])
    assert caught.value.code == "E-PRIOR-COHORT"


def test_two_therapies_make_no_cohort(tmp_path: Path) -> None:
    (one,) = written(tmp_path, 1)
    body = json.loads(one.read_text("utf-8"))
    body["therapy"] = "[177Lu]Lu-PSMA ligands, prostate cancer"
    (tmp_path / "other.json").write_text(json.dumps(body), "utf-8")
    with pytest.raises(InputError, match="mixes therapies: lu177-dotatate, lu177-psma"):
        read_cohort([one, tmp_path / "other.json"])


OWN = """
[about]
therapy = "lu177-dotatate"

[kidney.effective]
median = 44.0
sd_ln = 0.12
cause = "effective half-life of own patients, kidney"
source = "own patients, n = 31"
tag = "P"
"""


def test_own_rows_go_before_the_shipped_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "prior.toml").write_text(OWN, "utf-8")
    table = read_prior_file(tmp_path / "prior.toml")
    plan = planned(load("LU-STP"), "kidney", 1, table=table)
    by_quantity = {p.quantity: p for p in plan.priors}
    assert by_quantity["effective"].median == 44.0
    assert by_quantity["uptake"] == {p.quantity: p for p in priors("kidney")}["uptake"]
    liver = planned(load("LU-STP"), "liver", 1, table=table)
    assert {p.quantity: p.median for p in liver.priors}["effective"] == 67.0


@pytest.mark.parametrize(("old", "new", "said"), [
    ("sd_ln = 0.12\n", "", r"\[kidney.effective\] lacks sd_ln"),
    ("sd_ln = 0.12", "sd_ln = 0.0", "must be above zero"),
    ("[kidney.effective]", "[kidney.half-life]", "is none of effective"),
    ("median = 44.0", "median = ", "cannot be read"),
])  # fmt: skip
def test_a_broken_table_is_refused_with_its_row(old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_priors(OWN.replace(old, new), name="prior.toml")
    assert caught.value.code == "E-PRIOR-FILE"


def test_the_command_writes_a_table_once(tmp_path: Path) -> None:
    written(tmp_path / "cohort", 6)
    out = tmp_path / "prior.toml"
    ran = quimby("prior", tmp_path / "cohort", "-o", out)
    assert ran.exit_code == 0, ran.err
    assert "6 patients" in ran.out + ran.err
    assert read_prior_file(out).rows["kidney"]["effective"]["n"] == 6
    again = quimby("prior", tmp_path / "cohort", "-o", out)
    assert again.exit_code != 0
    assert "prior.toml" in again.err


# Organs without a table


ORGANS = {
    "LU-STP": ["marrow", "pituitary", "lung", "thyroid"],
    "LU-PSMA-STP": ["marrow", "submandibular", "salivary", "lacrimal", "lung", "pituitary"],
}


@pytest.mark.parametrize(
    ("protocol", "organ"), [(p, o) for p, every in ORGANS.items() for o in every]
)
def test_no_organ_lacks_a_half_life_for_one_scan(protocol: str, organ: str) -> None:
    found = planned(load(protocol), organ, 1).priors
    (half_life,) = (p for p in found if p.quantity == "effective")
    assert 10 < half_life.median < 100
    assert half_life.constant().source


def test_an_assumed_half_life_is_policy_and_wider_than_any_measured_one() -> None:
    assumed = {p for _, p in known_priors() if p.cause.startswith("assumed")}
    assert len(assumed) == 7
    assert all(p.tag == "P" and p.sd_ln >= 0.5 and "house policy" in p.source for p in assumed)


def test_only_what_no_table_has_is_wide() -> None:
    file = "priors_lu177_dotatate"
    assert is_wide("thyroid", file=file)
    assert not is_wide("kidney", file=file)
    assert not is_wide("marrow", file=file)
    mine = '[thyroid.effective]\nmedian = 90.0\nsd_ln = 0.2\ncause = "c"\nsource = "s"\ntag = "P"\n'
    assert not is_wide("thyroid", file=file, own=read_priors(mine, name="mine"))
    with pytest.raises(QuimbyError, match="effective half-life of thyroid"):
        priors("thyroid", file=file, with_half_life=True)


def test_a_curve_on_an_assumed_half_life_is_drawn_and_says_so() -> None:
    quantified = scanned(Phantom(times_h=(72.0,)))
    for organ, said in (("thyroid", True), ("kidney", False)):
        found = region_curves(quantified, {"Kidney_L": organ}, load("LU-STP"), TP)["Kidney_L"]
        notes = [n for n in found.notes if n.code == "W-PRIOR-WIDE"]
        assert bool(notes) is said
        assert found.tia_mbq_h.value > 0
        if said:
            assert "half-life of thyroid" in notes[0].text
            assert "an assumed one of 55 h" in notes[0].text
            assert "factor of 3.3" in notes[0].text
            assert found.tia_mbq_h.u_rel > 0.25
