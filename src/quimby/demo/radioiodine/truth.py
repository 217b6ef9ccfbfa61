"""What was put in: integrals of the true kinetics, and doses by the published formulas.

The doses use the same formulas and constants as the chain. So the demos try what is measured and
how curves are drawn, and say nothing of the formulas themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from quimby.core.source import Constant
from quimby.dose.thyroid import table as dose_constants
from quimby.physics.nuclides import delta_gy_g_per_mbq_h, nuclide
from quimby.planning.thyroid import table as plan_constants

SAID = (
    "All of this is invented. Integrals (TIAC) are exact for the invented kinetics. Doses are made "
    "from them with the published formulas and constants that the chain uses too: the demo tries "
    "measurement and kinetics, not the formulas."
)
MBQ_PER_GBQ = 1000.0


@dataclass(frozen=True, slots=True)
class StageTruth:
    """One administration. Keys are the targets: "Thyroid", "Blood", "Whole body"."""

    administered_mbq: float  # truly, at time zero; the record holds what the meter showed
    tiac: Mapping[str, float]  # h, for blood h/ml
    dose_gy: Mapping[str, float]
    figures: Mapping[str, float] = field(default_factory=dict)  # e.g. retention at 48 h

    def per_gbq(self, target: str) -> float:
        """Dose per administered activity, Gy/GBq."""
        return self.dose_gy[target] / self.administered_mbq * MBQ_PER_GBQ


@dataclass(frozen=True, slots=True)
class PlanTruth:
    """What a perfect measurement of the first administration would propose."""

    activity_mbq: float
    why: str
    allowed_mbq: Mapping[str, float] = field(default_factory=dict)  # every limit


@dataclass(frozen=True, slots=True)
class VerifiedTruth:
    """Foretold from the first administration, and what the second one truly gave."""

    planned_gy: float
    measured_gy: float

    @property
    def ratio(self) -> float:
        """Measured over planned."""
        return self.measured_gy / self.planned_gy


@dataclass(frozen=True, slots=True)
class Truth:
    """All that is known of an invented patient and of none other."""

    therapy: str
    seed: int
    nuclide: str
    stages: Mapping[str, StageTruth]  # by the administration's id
    plan: PlanTruth | None
    verified: Mapping[str, VerifiedTruth]  # by its name in the result
    formulas: tuple[str, ...]
    put_in: Mapping[str, object]  # errors of devices and people, masses
    note: str = SAID

    def as_json(self) -> str:
        """All of it, with the constants used and their sources, for truth.json."""
        plain = asdict(self)
        for name, stage in self.stages.items():
            rows = {target: stage.per_gbq(target) for target in stage.dose_gy}
            plain["stages"][name]["dose_per_activity_gy_per_gbq"] = rows
        used = {c.name: [c.value, c.unit, c.source] for c in _constants()}
        return json.dumps(plain | {"constants": used}, indent=1, ensure_ascii=False)


THYROID = "thyroid: E(M) A tau/M, E(M) = (M^0.25 + 18)/7.2 Gy g/(MBq d), tau in d, M in g"
BLOOD = "blood: D/A = 108 tau_ml + 0.0188 m^(-2/3) tau_body, Gy/GBq, h/ml and h, m in kg"
MARROW = "marrow: electrons of blood by mass, one to one; photons of the whole body as for blood"
BODY = "whole body: D = TIA 1.34e-4 m^(-0.921), Gy, MBq h, m in kg"


def thyroid_gy(mbq: float, tiac_h: float, mass_g: float) -> float:
    """Dose to the gland, Gy."""
    energy = (float(mass_g**0.25) + _value("thyroid energy, offset")) / _value(
        "thyroid energy, divisor"
    )
    return energy * mbq * tiac_h / 24 / mass_g


def blood_gy(mbq: float, per_ml_h: float, body_h: float, weight_kg: float) -> float:
    """Dose to the blood, Gy."""
    photons = _value("whole-body photon constant") * float(weight_kg ** (-2 / 3)) * body_h
    return (_value("blood beta constant") * per_ml_h + photons) * mbq / MBQ_PER_GBQ


def body_gy(mbq: float, tiac_h: float, weight_kg: float) -> float:
    """Dose to the whole body, Gy."""
    falls = float(weight_kg ** -_value("whole-body S exponent"))
    return _value("whole-body S value") * falls * mbq * tiac_h


def marrow_gy(mbq: float, per_ml_h: float, body_h: float, weight_kg: float, name: str) -> float:
    """Dose to the red marrow from blood, small molecules, Gy; electrons stay where they start."""
    ratio = _value("RMBLR, small molecules")
    per_g_h = per_ml_h / _value("blood density")
    electrons = delta_gy_g_per_mbq_h(nuclide(name).electron_mev.value) * per_g_h * ratio
    photons = _value("whole-body photon constant") * float(weight_kg ** (-2 / 3)) * body_h
    return electrons * mbq + photons * mbq / MBQ_PER_GBQ


def limit(name: str) -> float:
    """A limit or aim of planning by its name, in its own unit."""
    return plan_constants()[name].value


def _value(name: str) -> float:
    return dose_constants()[name].value


def _constants() -> tuple[Constant, ...]:
    known = dose_constants()
    names = ("thyroid energy, offset", "thyroid energy, divisor", "thyroid density",
             "blood beta constant", "whole-body photon constant", "whole-body S value",
             "whole-body S exponent")  # fmt: skip
    return tuple(known[name] for name in names)
