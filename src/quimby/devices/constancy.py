"""Has the calibrator, or the camera, drifted? Checks against a reference and a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.physics.decay import decay_factor

DEVIATION = (0.05, 0.10)  # warn, block: calibrator against a certificate [P]
DRIFT = (0.05, 0.10)  # warn (if also beyond 2 u), block: camera against its baseline [P]
DRIFT_Z = 2.0


@dataclass(frozen=True, slots=True)
class CrossCalibration:
    """Radionuclide calibrator against a certified source: activity = factor * reading."""

    expected_mbq: Uncertain
    factor: Uncertain
    deviation: float  # (reading - expected) / expected
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Constancy:
    """A new calibration factor against the baseline."""

    difference: float  # new / baseline - 1
    z: float  # |difference| over its standard uncertainty
    notes: tuple[Note, ...] = ()


def cross_calibration(
    certificate_mbq: Uncertain, reading_mbq: Uncertain, *, elapsed_h: float, half_life_h: float
) -> CrossCalibration:
    """Factor of a radionuclide calibrator, for one nuclide, geometry and dial.

    `elapsed_h` runs from the certificate to the reading. W-RNC-DEV where the factor is more
    than 5 % from one, S-RNC-DEV more than 10 %.
    """
    for what, one in (("certified activity", certificate_mbq), ("reading", reading_mbq)):
        if one.value <= 0:
            raise refusal("E-CAL-VALUE", where="radionuclide calibrator", what=what,
                          value=one.value)  # fmt: skip
    expected = certificate_mbq.scaled(decay_factor(elapsed_h, half_life_h))
    k = expected / reading_mbq
    notes = _deviation_notes(abs(k.value - 1.0))
    return CrossCalibration(expected, k, reading_mbq.value / expected.value - 1.0, notes)


def _deviation_notes(size: float) -> tuple[Note, ...]:
    for code, limit in (("S-RNC-DEV", DEVIATION[1]), ("W-RNC-DEV", DEVIATION[0])):
        if size > limit:
            return (note(code, where="radionuclide calibrator", value=size, limit=limit),)
    return ()


def constancy(baseline: Uncertain, new: Uncertain, *, warn_above: float = DRIFT[0]) -> Constancy:
    """Compare a factor with its baseline.

    W-CAL-DRIFT above 5 % where that also exceeds twice its uncertainty; S-CAL-DRIFT above
    10 % whatever its uncertainty. The two doubts are taken as independent. E-CAL-VALUE.
    """
    for what, one in (("baseline", baseline), ("new factor", new)):
        if one.value <= 0:
            raise refusal("E-CAL-VALUE", where="constancy", what=what, value=one.value)
    difference = new.value / baseline.value - 1.0
    u = hypot(baseline.u, new.u)
    moved = abs(new.value - baseline.value)
    z = moved / u if u else float("inf") if moved else 0.0
    size = abs(difference)
    notes: tuple[Note, ...] = ()
    if size > DRIFT[1]:
        notes = (note("S-CAL-DRIFT", where="constancy", value=size, limit=DRIFT[1]),)
    elif size > warn_above and z > DRIFT_Z:
        notes = (note("W-CAL-DRIFT", where="constancy", value=size, limit=warn_above),)
    return Constancy(difference, z, notes)
