"""From simulated uptakes, whole-body readings and blood to integrals and doses, as a run does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import NormalDist

import numpy as np

from quimby.advise.simulate_batch import Batch, integrals
from quimby.advise.simulate_curves import Array, Curves, Patients, normals
from quimby.advise.simulate_images import Found
from quimby.advise.simulate_readings import Taken
from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain, exact
from quimby.dose import blood
from quimby.kinetics import retention
from quimby.measure.whole_body import Reading, whole_body
from quimby.protocols import Protocol

WOMEN = 0.7  # share of women among patients with thyroid cancer [P]
DAY = datetime(2000, 1, 1, tzinfo=UTC)
Series = tuple[list[float], list[Uncertain]]


def _each(count: int, find: Callable[[int], float]) -> Found:
    """An answer for each patient; a refusal is an outcome, counted and shown."""
    found, refused = np.full(count, np.nan), []
    for number in range(count):
        try:
            found[number] = find(number)
        except QuimbyError as error:
            refused.append(error.code)
    return found, tuple(refused)


def uptake_tiacs_h(
    protocol: Protocol, tissue: str, taken: Sequence[Taken], curve: Curves, *, half_life_h: float
) -> Found:  # fmt: skip
    """Residence in the gland of every patient, h, by the protocol's method for its uptakes."""
    read = [t for t in taken if t.kind == "thyroid"]
    values = {t.id: t.of(curve) for t in read}
    quick = np.full(len(curve.amplitudes), np.nan)
    if protocol.by_readings.uptake_method(len(read)) == "two compartments":
        quick = _compartments(read, values, half_life_h)

    def find(number: int) -> float:
        if np.isfinite(quick[number]):
            return float(quick[number])
        return by_chain(protocol, tissue, read, values, number, half_life_h=half_life_h)

    return _each(len(quick), find)


def _compartments(read: Sequence[Taken], values: Mapping[str, Array], half_life_h: float) -> Array:
    """The two-compartment curve of every patient at once, where it is plain."""
    batch = Batch(np.stack([t.times_h for t in read]),
                  np.log(np.stack([values[t.id] for t in read])),
                  np.stack([np.full(len(t.times_h), t.u_rel) for t in read]))  # fmt: skip
    return integrals(batch, "uptake-clearance", (), half_life_h=half_life_h)[0]


def by_chain(
    protocol: Protocol, tissue: str, read: Sequence[Taken], values: Mapping[str, Array],
    number: int, *, half_life_h: float,
) -> float:  # fmt: skip
    """One patient's residence in the gland as a run has it, h."""
    from quimby.study.readings.thyroid import fitted  # loads readers of images: only where needed
    from quimby.study.stages import Point

    rows = sorted((float(t.times_h[number]), float(values[t.id][number]), t) for t in read)
    points = [Point("", DAY, time_h, Uncertain(v, {f"reading, {t.id}": t.u_rel * v}), {})
              for time_h, v, t in rows]  # fmt: skip
    return fitted(points, protocol, tissue=tissue, half_life_h=half_life_h).tiac_h.value


def _series(kind: str, taken: Sequence[Taken], patients: Patients, place: str, number: int
            ) -> Series:  # fmt: skip
    curve = patients.curves[place]
    rows = []
    for one in (t for t in taken if t.kind == kind):
        time_h = float(one.times_h[number])
        height = np.exp(-curve.rates[number] * time_h) @ curve.amplitudes[number]
        value = float(height * one.scatter[number])
        rows.append((time_h, Uncertain(value, {f"reading, {one.id}": one.u_rel * value})))
    rows.sort(key=lambda row: row[0])
    return [t for t, _ in rows], [v for _, v in rows]


def body_tiacs_h(taken: Sequence[Taken], patients: Patients, *, half_life_h: float) -> Found:
    """Residence in the whole body of every patient, h, by readings over the first one."""

    def find(number: int) -> float:
        times, held = _retention(taken, patients, number, half_life_h)
        return retention.area(times, held, half_life_h=half_life_h).total.value

    return _each(len(patients.curves["whole body"].amplitudes), find)


def _retention(taken: Sequence[Taken], patients: Patients, number: int, half_life_h: float
               ) -> Series:  # fmt: skip
    """Retention: the reference holds all that was given, as it is before the first void."""
    times, values = _series("whole_body", taken, patients, "whole body", number)
    first = next(t for t in taken if t.kind == "whole_body")
    whole = float(2 ** (-times[0] / half_life_h) * first.scatter[number])
    values[0] = Uncertain(whole, {f"reading, {first.id}": first.u_rel * whole})
    rows = [Reading(t, v, v, exact(0.0)) for t, v in zip(times, values, strict=True)]
    found = whole_body(rows[0], rows[1:], administered_mbq=exact(1.0), half_life_h=half_life_h,
                       position_u=0.0)  # fmt: skip
    return list(found.times_h), list(found.retention)


@dataclass(frozen=True, eq=False)
class Blood:
    """What of the patients goes into a blood dose, (n,) each: truth, and what is thought."""

    weight_kg: Array
    volume_ml: Array  # true
    thought_ml: Array  # by formula


def bloods(patients: Patients, seed: int) -> Blood:
    """Blood volumes about what the formula says, by its own doubt."""
    weight, height = patients.figures["weight"], patients.figures["height"]
    women = normals(seed, "patient, sex", len(weight)) < NormalDist().inv_cdf(WOMEN)
    told = [blood.blood_volume("F" if w else "M", height_cm=float(h), weight_kg=float(kg)).volume_ml
            for w, h, kg in zip(women, height, weight, strict=True)]  # fmt: skip
    thought = np.array([v.value for v in told])
    off = np.array([v.u_rel for v in told]) * normals(seed, "patient, blood volume", len(weight))
    return Blood(weight, thought * np.exp(off), thought)


def true_blood_gy(patients: Patients, who: Blood, place: str) -> Array:
    """Blood dose per activity of each patient by the formula and his true residences, Gy/GBq."""
    samples = patients.curves[place].integral() / who.volume_ml
    body = patients.curves["whole body"].integral()
    return np.array([
        blood.blood_dose(exact(float(s)), exact(float(b)), exact(float(kg))).total_gy_per_gbq.value
        for s, b, kg in zip(samples, body, who.weight_kg, strict=True)
    ])  # fmt: skip


def blood_gy(
    protocol: Protocol, place: str, taken: Sequence[Taken], patients: Patients, who: Blood, *,
    half_life_h: float,
) -> Found:  # fmt: skip
    """Blood dose per activity of every patient, Gy/GBq, by the protocol's way."""
    one = "blood, one reading" in protocol.by_readings.doses

    def find(number: int) -> float:
        times, held = _retention(taken, patients, number, half_life_h)
        if one:
            return _by_one(times, held, who, number, half_life_h)
        drawn = _series("blood", taken, patients, place, number)
        return _by_pairs((times, held), drawn, who, number, half_life_h)

    return _each(len(who.weight_kg), find)


def _by_one(times: list[float], held: list[Uncertain], who: Blood, number: int, half_life_h: float
            ) -> float:  # fmt: skip
    from quimby.study.readings.whole_body import WINDOW_H  # as in `by_chain`

    later = list(zip(times[1:], held[1:], strict=True))
    inside = [row for row in later if WINDOW_H[0] <= row[0] <= WINDOW_H[1]] or later
    if not inside:
        raise refusal("E-TIA-FEW", where="whole body", samples=len(times), priors=0, parameters=2,
                      model="one reading after the reference")  # fmt: skip
    time_h, value = inside[-1]
    found = blood.blood_dose_one_reading(
        value, time_h, weight_kg=exact(float(who.weight_kg[number])),
        blood_volume_ml=exact(float(who.thought_ml[number])), half_life_h=half_life_h,
    )  # fmt: skip
    return found.total_gy_per_gbq.value


def _by_pairs(body: Series, drawn: Series, who: Blood, number: int, half_life_h: float) -> float:
    per_ml = [v.scaled(1 / float(who.volume_ml[number])) for v in drawn[1]]
    samples = retention.area(drawn[0], per_ml, half_life_h=half_life_h, where="blood").total
    whole = retention.area(*body, half_life_h=half_life_h).total
    weight = exact(float(who.weight_kg[number]))
    return blood.blood_dose(samples, whole, weight).total_gy_per_gbq.value
