"""What a protocol may plan for a curve: any model, held quantities, trapezoids, an average."""

from __future__ import annotations

from importlib.resources import files
from math import log, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

from quimby import protocols
from quimby.core.errors import InputError, MethodUnfit, QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import Choice, Manner, choose
from quimby.kinetics.criteria import aicc
from quimby.kinetics.fit import fit
from quimby.kinetics.priors import Prior
from quimby.kinetics.trapezoid import Lines, trapezoid, trapezoid_fit
from quimby.protocols.curve_plan import planned

TP = 159.528
LN2 = log(2)
SIX = (0.5, 3.0, 8.0, 24.0, 72.0, 168.0)
FIVE = (4.0, 24.0, 48.0, 96.0, 168.0)
TRI = {60.0: 40.0, 10.0: 30.0, 1.0: -70.0}  # half-life -> amplitude; zero at time zero


def read(values: list[float], u: float = 0.04) -> list[Uncertain]:
    return [Uncertain(v, {f"counts, {i}": u * v, "camera": 0.03 * v}) for i, v in enumerate(values)]


def tri(times: tuple[float, ...]) -> list[float]:
    return [sum(a * 2 ** (-t / h) for h, a in TRI.items()) for t in times]


def true_tri() -> float:
    return sum(a * h for h, a in TRI.items()) / LN2


def held(quantity: str, value: float, u: float = 0.0) -> Prior:
    return Prior(quantity, value, u, f"{quantity}, held", "a test", "P", fixed=True)


def test_three_phases_are_fitted_freely_from_six_readings_and_refused_from_five() -> None:
    found = fit("tri", SIX, read(tri(SIX)), physical_half_life_h=TP)
    assert found.tia_mbq_h.value == pytest.approx(true_tri(), rel=1e-5)
    with pytest.raises(MethodUnfit, match="5 samples and 0 priors cannot settle"):
        fit("tri", SIX[:5], read(tri(SIX[:5])), physical_half_life_h=TP)


def test_three_phases_with_both_fast_half_lives_held_need_three_readings() -> None:
    late = (3.0, 24.0, 72.0, 168.0)
    found = fit("tri", late, read(tri(late)), physical_half_life_h=TP,
                priors=(held("fast", 10.0), held("uptake", 1.0)))  # fmt: skip
    assert found.tia_mbq_h.value == pytest.approx(true_tri(), rel=1e-5)
    assert found.half_lives_h["fast"].value == pytest.approx(10, rel=1e-6)
    assert found.degrees_of_freedom == 1


def test_a_held_quantity_is_moved_by_no_reading_and_brings_its_stated_doubt() -> None:
    values = [40 * 2 ** (-t / 60) - 30 * 2 ** (-t / 3) for t in SIX]
    wrong = [v * f for v, f in zip(values, (1.03, 0.98, 1.01, 1, 1, 1), strict=True)]
    exact = fit("uptake-clearance", SIX, read(wrong), priors=(held("uptake", 2.0),))
    told = fit("uptake-clearance", SIX, read(wrong), priors=(held("uptake", 2.0, 0.3),))
    assert exact.half_lives_h["uptake"].value == pytest.approx(2.0, rel=1e-6)
    assert exact.half_lives_h["uptake"].u == pytest.approx(0, abs=1e-4)
    assert told.tia_mbq_h.value == pytest.approx(exact.tia_mbq_h.value, rel=1e-9)
    up, down = (
        fit("uptake-clearance", SIX, read(wrong), priors=(held("uptake", 2.0 * f),)).tia_mbq_h.value
        for f in (1.001, 1 / 1.001)
    )
    slope = (up - down) / (2 * log(1.001))
    assert told.tia_mbq_h.parts["uptake, held"] == pytest.approx(0.3 * slope, rel=0.02)
    apart = sqrt(told.tia_mbq_h.u**2 - exact.tia_mbq_h.u**2)
    assert apart == pytest.approx(abs(told.tia_mbq_h.parts["uptake, held"]), rel=1e-3)


def test_a_held_quantity_is_said_and_costs_no_parameter() -> None:
    values = read([40 * 2 ** (-t / 60) for t in FIVE])
    free = choose(FIVE, values, preferred="mono", physical_half_life_h=TP)
    bound = choose(FIVE, values, preferred="mono", physical_half_life_h=TP,
                   priors=(held("effective", 60.0, 0.1),))  # fmt: skip
    assert {n.code for n in bound.notes} == {"I-TIA-FIXED"}
    assert free.fit.parameters_told == pytest.approx(2)
    assert bound.fit.parameters_told == pytest.approx(1, abs=1e-6)
    assert bound.fit.degrees_of_freedom == free.fit.degrees_of_freedom + 1


def test_decay_alone_is_an_upper_bound_from_one_reading() -> None:
    found = choose((24.0,), read([40.0]), preferred="physical", physical_half_life_h=TP)
    assert found.tia_mbq_h.value == pytest.approx(40 * 2 ** (24 / TP) * TP / LN2)


@pytest.mark.parametrize("lines", [
    Lines(), Lines("constant_backward"), Lines("back_extrapolated", "logarithmic"),
    Lines(tail="physical"), Lines(between="logarithmic", tail="given", tail_h=70.0),
])  # fmt: skip
def test_trapezoids_as_a_curve_have_the_area_that_they_draw(lines: Lines) -> None:
    values = [50 * 2 ** (-t / 40) for t in FIVE]
    found = trapezoid_fit(FIVE, read(values), lines=lines, physical_half_life_h=TP)
    area = trapezoid(FIVE, read(values), start=lines.start, between=lines.between, tail=lines.tail,
                     physical_half_life_h=TP, tail_half_life_h=lines.tail_h)  # fmt: skip
    assert found.tia_mbq_h.value == pytest.approx(area.tia_mbq_h.value)
    pairs = zip(found.tia_weights_h, values, strict=True)
    assert sum(w * a for w, a in pairs) == pytest.approx(found.tia_mbq_h.value, rel=1e-6)
    drawn = np.trapezoid(found.drawn_mbq, found.band_times_h)
    rest = found.drawn_mbq[-1] / (LN2 / found.half_lives_h["effective"].value)
    assert drawn + rest == pytest.approx(found.tia_mbq_h.value, rel=0.01)


def test_logarithmic_trapezoids_of_one_exponential_are_exact() -> None:
    values = [50 * 2 ** (-t / 40) for t in FIVE]
    found = trapezoid_fit(FIVE, read(values), lines=Lines("back_extrapolated", "logarithmic"),
                          physical_half_life_h=TP)  # fmt: skip
    assert found.tia_mbq_h.value == pytest.approx(50 * 40 / LN2)
    assert found.half_lives_h["effective"].value == pytest.approx(40)
    assert 1 / found.rates_per_h[0] == pytest.approx(40 / LN2, rel=1e-4)  # mean time


def test_the_stand_in_exponential_has_area_and_mean_time_of_the_trapezoids() -> None:
    found = trapezoid_fit(FIVE, read([20.0, 40.0, 30.0, 16.0, 6.0]), lines=Lines(),
                          physical_half_life_h=TP)  # fmt: skip
    rate = LN2 / found.half_lives_h["effective"].value

    def activity(t: float) -> float:
        joined = np.interp(t, (0.0, *FIVE), (0.0, 20.0, 40.0, 30.0, 16.0, 6.0))
        return float(joined if t <= 168 else 6 * np.exp(-rate * (t - 168)))

    area, moment = (
        sum(quad(lambda t, p=power: activity(t) * t**p, a, b, limit=200)[0]
            for a, b in ((0, 4), (4, 24), (24, 48), (48, 96), (96, 168), (168, 3000)))
        for power in (0, 1)
    )  # fmt: skip
    assert found.tia_mbq_h.value == pytest.approx(area, rel=1e-6)
    assert 1 / found.rates_per_h[0] == pytest.approx(moment / area, rel=1e-4)


def test_what_trapezoids_do_not_see_is_in_their_doubt_by_name() -> None:
    found = choose(FIVE, read([20.0, 40.0, 30.0, 16.0, 6.0]), preferred="trapezoid",
                   physical_half_life_h=TP, region="liver")  # fmt: skip
    assert set(found.tia_mbq_h.parts) == {
        "camera", "curve fit, liver", "curve before the first reading, liver",
        "curve between readings, liver", "curve after the last reading, liver",
    }  # fmt: skip


def averaged(
    values: list[float], selection: str = "average", times: tuple[float, ...] = SIX
) -> Choice:
    return choose(times, read(values), preferred="uptake-clearance", candidates=("mono",),
                  physical_half_life_h=TP, region="Kidney L",
                  manner=Manner(selection, organ="kidney"))  # fmt: skip


def test_the_average_is_weighted_by_aicc_and_its_spread_is_a_cause() -> None:
    times = (6.0, 12.0, 24.0, 48.0, 96.0, 168.0)
    values = [40 * 2 ** (-t / 60) - 12 * 2 ** (-t / 3) for t in times]
    found = averaged(values, times=times)
    fits = [fit(n, times, read(values), physical_half_life_h=TP)
            for n in ("uptake-clearance", "mono")]  # fmt: skip
    scores = np.array([aicc(f) for f in fits], dtype=float)
    weights = np.exp(-(scores - scores.min()) / 2)
    weights /= weights.sum()
    tias = np.array([f.tia_mbq_h.value for f in fits])
    mean = float(weights @ tias)
    assert found.tia_mbq_h.value == pytest.approx(mean)
    assert abs(found.tia_mbq_h.parts["choice of curve model, kidney"]) == pytest.approx(
        sqrt(float(weights @ (tias - mean) ** 2)))  # fmt: skip
    assert found.tia_mbq_h.parts["camera"] == pytest.approx(0.03 * mean)
    assert "I-TIA-AVERAGE" in {n.code for n in found.notes}
    pairs = zip(found.tia_weights_h, values, strict=True)
    assert sum(w * a for w, a in pairs) == pytest.approx(mean)


def test_where_aicc_is_defined_for_one_model_only_the_planned_one_is_used() -> None:
    four = SIX[1:5]
    values = [40 * 2 ** (-t / 60) - 38 * 2 ** (-t / 3) for t in four]
    assert averaged(values, times=four).fit.model == averaged(values, "planned", four).fit.model
    assert averaged(values, times=four).tia_mbq_h == averaged(values, "planned", four).tia_mbq_h


def test_an_average_that_cannot_be_made_is_told() -> None:
    values = [40 * 2 ** (-t / 60) - 2 * 2 ** (-t / 3) for t in SIX]
    few = averaged(values[1:5], times=SIX[1:5])
    (told,) = [n for n in few.notes if n.code == "I-TIA-NO-AVERAGE"]
    assert "with 4 samples" in told.text
    for other in (averaged(values[1:5], "planned", SIX[1:5]), averaged(values, times=SIX)):
        assert "I-TIA-NO-AVERAGE" not in {n.code for n in other.notes}


def test_a_rejected_model_has_no_part_in_the_average() -> None:
    values = [40 * 2 ** (-t / 40) - 30 * 2 ** (-t / 5) for t in SIX]
    found = averaged(values)
    verdicts = {a.model: a.verdict for a in found.alternatives}
    assert verdicts["mono"].startswith("rejected")
    assert found.fit.model == "uptake-clearance"
    assert "choice of curve model, kidney" not in found.tia_mbq_h.parts


def own(text: str, **changes: str) -> protocols.Protocol:
    shipped = files("quimby.protocols").joinpath("data", "LU-FULL.toml").read_text("utf-8")
    for old, new in changes.items():
        assert old in shipped
        shipped = shipped.replace(old, new)
    return protocols.read(shipped.replace("[calculation]\n", "[calculation]\n" + text), where="own")


@pytest.mark.parametrize("name", ["tri", "trapezoid", "physical", "bi-clearance"])
def test_a_protocol_may_name_every_model(name: str) -> None:
    found = own("", **{'2 = ["partial-uptake", "mono", "uptake-clearance"]': f'2 = ["{name}"]'})
    assert planned(found, "kidney", 4).models == (name,)


def test_a_protocol_says_what_is_held_and_that_goes_before_a_prior() -> None:
    said = own("""fixed.kidney.uptake = { value = 1.5, u = 0.3, source = "own dynamic scans" }
""")
    plan = planned(said, "kidney", 3)
    (uptake,) = [p for p in plan.priors if p.quantity == "uptake"]
    assert uptake.fixed
    assert (uptake.median, uptake.sd_ln) == (1.5, 0.3)
    assert uptake.cause == "uptake half-life, held, kidney"
    assert not any(p.fixed for p in planned(said, "liver", 3).priors)


@pytest.mark.parametrize(("text", "says"), [
    ('fixed.kidney.uptake = { value = 1.5, source = "" }\n', "fixed.kidney.uptake.source"),
    ('together = [["kidney"], ["kidney", "liver"]]\n', "stands in together once"),
    ('same_washout = ["kidney"]\n', "same_washout needs 'kidney' in together"),
    ('selection = "best"\n', "selection"),
    ('trapezoid.tail = "given"\n', "tail_half_life_h"),
])  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_by_its_key(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        own(text)
    assert says in str(caught.value)


def test_an_unknown_way_to_choose_is_refused() -> None:
    with pytest.raises(QuimbyError, match="'best'"):
        choose(FIVE, read([40, 30, 20, 10, 4]), manner=Manner("best"))


def test_a_given_tail_does_not_widen_the_doubt_of_start_and_middle() -> None:
    """Both ways of joining are compared with the same tail."""
    values = [20.0, 40.0, 30.0, 16.0, 6.0]
    given, last_two = (
        trapezoid_fit(FIVE, read(values), lines=lines, physical_half_life_h=TP, where="liver")
        for lines in (Lines(tail="given", tail_h=50.0), Lines())
    )
    for what in ("before the first reading", "between readings"):
        cause = f"curve {what}, liver"
        assert given.tia_mbq_h.parts[cause] == pytest.approx(last_two.tia_mbq_h.parts[cause])


def test_decay_alone_says_that_it_is_an_upper_bound_wherever_it_is_taken() -> None:
    values = read([20.0, 40.0, 30.0, 16.0, 6.0])
    tail = trapezoid_fit(FIVE, values, lines=Lines(tail="physical"), physical_half_life_h=TP)
    whole = choose((24.0,), read([40.0]), preferred="physical", physical_half_life_h=TP)
    for found in (tail, whole):
        assert [n.text for n in found.notes if n.code == "W-TIA-UPPER"]
    apart = tail.tia_mbq_h.value - trapezoid_fit(
        FIVE, values, lines=Lines(), physical_half_life_h=TP).tia_mbq_h.value  # fmt: skip
    assert tail.tia_mbq_h.parts["curve after the last reading, curve"] == pytest.approx(
        0.15 * apart, rel=0.01
    )
    assert "W-TIA-UPPER" not in {n.code for n in trapezoid_fit(
        FIVE, values, lines=Lines(), physical_half_life_h=TP).notes}  # fmt: skip
