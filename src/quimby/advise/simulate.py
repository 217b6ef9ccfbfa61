"""The doubt that a protocol's kinetics bring, by simulation over its population of curves.

Patients are drawn, measured when the protocol measures, calculated as a run would, and compared
with their truth. What all readings of a patient share (calibration, recovery, outline) scales
the answer and stands in the protocol's other components; it is not drawn here again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np

from quimby.advise.simulate_counts import (
    blood_gy,
    bloods,
    body_tiacs_h,
    true_blood_gy,
    uptake_tiacs_h,
)
from quimby.advise.simulate_curves import Array, Patients, drawn
from quimby.advise.simulate_images import Found, image_tias
from quimby.advise.simulate_readings import NOTHING, Taken, taken
from quimby.core.notes import refusal
from quimby.physics.nuclides import nuclide
from quimby.protocols import Protocol, patients
from quimby.protocols.patients import Population
from quimby.protocols.practice import Component, Expected

PATIENTS, SEED = 1000, 1
MOST_REFUSED = 0.5  # share of patients without an answer above which there is no figure [P]


@dataclass(frozen=True, eq=False)
class Simulated:
    """What one protocol does over one population.

    `errors` are ln(found / true), one a patient, NaN where the chain refused (`refused`: by
    code). `u_rel` is their root mean square: bias and scatter together, k = 1.
    """

    protocol: Protocol
    population: Population
    region: str
    seed: int
    errors: Array
    refused: Mapping[str, int]

    @property
    def patients(self) -> int:
        """How many were drawn."""
        return len(self.errors)

    @property
    def answered(self) -> Array:
        """Errors of those that have an answer."""
        return np.asarray(self.errors[np.isfinite(self.errors)])

    @property
    def u_rel(self) -> float:
        """Root mean square error of the logarithm."""
        return sqrt(float(np.mean(self.answered**2)))

    @property
    def u_mc(self) -> float:
        """What chance of the draw does to `u_rel`, one standard deviation."""
        if self.u_rel == 0:
            return 0.0
        return float(np.std(self.answered**2)) / (2 * self.u_rel * sqrt(len(self.answered)))

    @property
    def bias(self) -> float:
        """Mean error of the logarithm."""
        return float(np.mean(self.answered))

    @property
    def scatter(self) -> float:
        """Standard deviation of the error of the logarithm."""
        return float(np.std(self.answered))

    def share_off(self, more_than: float) -> float:
        """Share of answers that are off by more than this, relative."""
        return float(np.mean(np.abs(np.expm1(self.answered)) > more_than))

    @property
    def total(self) -> float | None:
        """With the components of the document that are not of the curve; None without any."""
        others = other_components(self.protocol)
        return None if others is None else hypot(self.u_rel, *(c.u for c in others))


def other_components(protocol: Protocol) -> tuple[Component, ...] | None:
    """Components beside the simulated one; None where the document marks none as simulated.

    Of what only decays all components are such: there is no curve to be known.
    """
    expected = protocol.uncertainty
    if expected is None or (expected.simulated is None and not _decays(expected)):
        return None
    return tuple(c for c in expected.component if c.simulation is None)


def _decays(expected: Expected) -> bool:
    if not expected.population:
        return False
    return patients.load(expected.population).region(expected.region).curve == "physical decay"


def simulate(
    protocol: Protocol, *, patients: int = PATIENTS, seed: int = SEED, region: str = "",
    exact: bool = False, shared: Mapping[str, float] = NOTHING,
) -> Simulated:  # fmt: skip
    """Simulate a protocol over the population that it names.

    `region` instead of the document's own; `exact` leaves the scatter of readings out, so that
    only times and models are left; `shared` is by kind of measurement what all readings of a
    patient are off together. The same seed gives the same patients for every protocol.
    E-SIM-POPULATION, E-SIM-METHOD, E-SIM-REFUSED; E-POPULATION-REGION.
    """
    people, place = _population(protocol, region)
    cohort = drawn(people, place, patients=patients, seed=seed)
    planned = taken(protocol, patients=patients, seed=seed, exact=exact, shared=shared)
    (answers, codes), true = _route(protocol, people, place, cohort, planned, seed)
    refused = Counter(codes)
    if len(codes) > MOST_REFUSED * patients:
        code, often = refused.most_common(1)[0]
        raise refusal("E-SIM-REFUSED", where=protocol.id, which=code, share=often / patients)
    return Simulated(protocol, people, place, seed, np.log(answers / true), dict(refused))


def _population(protocol: Protocol, region: str) -> tuple[Population, str]:
    expected = protocol.uncertainty
    if expected is None or not expected.population:
        raise refusal("E-SIM-POPULATION", where=protocol.id, protocol=protocol.id,
                      known=", ".join(patients.names()))  # fmt: skip
    found = patients.load(expected.population)
    return found, found.region(region or expected.region).name


def _route(
    protocol: Protocol, people: Population, place: str, cohort: Patients, planned: list[Taken],
    seed: int,
) -> tuple[Found, Array]:  # fmt: skip
    """What is found of each patient by the protocol's own way, and the truth."""
    half_life_h = nuclide(people.nuclide).half_life_h.value
    curve, kind = cohort.curves[place], people.region(place).curve
    true = curve.integral()
    doses = protocol.readings.doses if protocol.readings else ()
    if protocol.calculation is not None and kind == "uptake and clearance":
        return image_tias(protocol, place, planned, curve, half_life_h=half_life_h), true
    if "thyroid" in doses and kind == "two compartments":
        return uptake_tiacs_h(protocol, place, planned, curve, half_life_h=half_life_h), true
    if "whole body" in doses and place == "whole body":
        return body_tiacs_h(planned, cohort, half_life_h=half_life_h), true
    if {"blood", "blood, one reading"} & set(doses) and kind == "iodide":
        who = bloods(cohort, seed)
        found = blood_gy(protocol, place, planned, cohort, who, half_life_h=half_life_h)
        return found, true_blood_gy(cohort, who, place)
    if kind == "physical decay" or protocol.level == 1:
        return _as_published(cohort, true)
    raise refusal("E-SIM-METHOD", where=protocol.id, protocol=protocol.id, region=place)


def _as_published(cohort: Patients, tiac: Array) -> tuple[Found, Array]:
    """Every patient has the mean dose per activity of the population, whatever was measured."""
    ones = np.ones(len(tiac))
    true = tiac * cohort.figures.get("amplitude", ones) / cohort.figures.get("mass", ones)
    return (np.full(len(tiac), float(np.mean(true))), ()), true
