"""Reconstructed PET: single slices with a scale each, or multi-frame files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.grid import Grid
from quimby.core.notes import Note, note, refusal
from quimby.measure.dicom import times
from quimby.measure.dicom.frames import Frame, frames_of, stored
from quimby.measure.dicom.geometry import stack_grid, stack_order
from quimby.measure.dicom.headers import first, number, text
from quimby.measure.dicom.scale import (
    Scale,
    known_unit,
    mappings_in,
    one_mapping,
    one_scale,
    rescale_of,
    unit_of,
)  # fmt: skip
from quimby.measure.scans import Timing

PHILIPS = "Philips PET Private Group"


def volume(
    datas: Sequence[Dataset], maps: Sequence[Dataset], *, where: str
) -> tuple[Grid, NDArray[np.float64], str, Timing | None, tuple[Note, ...]]:
    """Grid, values, unit, timing and notes of one PET series."""
    frames: list[Frame] = []
    scaled: list[NDArray[np.float64]] = []
    units: set[str] = set()
    notes: dict[Note, None] = {}
    for data in datas:
        pixels = stored(data, where=where)
        own = frames_of(data, where=where)
        if len(own) != len(pixels):
            raise refusal("E-DCM-FRAMES", where=where, frames=len(pixels), slices=len(own))
        for frame, raw in zip(own, pixels, strict=True):
            scale, noted = pet_scale(data, frame.groups, maps, where=where)
            noted += scale.beyond(raw, where=where)
            scaled.append(scale.apply(raw, where=where))
            frames.append(frame)
            units.add(scale.unit)
            notes |= dict.fromkeys(noted)
    if len(units) > 1 or len({s.shape for s in scaled}) > 1:
        raise refusal("E-DCM-MIXED", where=where, what="units or matrix sizes")
    order = stack_order([f.plane for f in frames], where=where)
    grid, stepped = stack_grid(
        [frames[i].plane for i in order], scaled[0].shape,
        thickness_mm=frames[0].thickness_mm, where=where,
    )  # fmt: skip
    values = np.stack([scaled[i] for i in order])
    return grid, values, units.pop(), _timing(datas[0], where), (*notes, *stepped)


def pet_scale(
    data: Dataset, groups: Sequence[Dataset], maps: Sequence[Dataset], *, where: str
) -> tuple[Scale, tuple[Note, ...]]:
    """The one mapping of a PET frame, to Bq/ml or counts.

    E-DCM-UNITS for proportional counts, for SUV that cannot be turned back into activity, and
    for a unit that is not named.
    """
    uid = text(data, "SOPInstanceUID")
    found = [scale for g in (*groups, *maps) for scale in mappings_in(g, uid, where=where)]
    mapping = one_mapping(found, where=where)
    rescale = next((s for g in groups if (s := rescale_of(g)) is not None), None)
    written = text(data, "Units")
    if mapping is not None and not known_unit(written):
        return one_scale(rescale, mapping, where=where)
    unit, factor = unit_of(written, where=where)
    plain = rescale or Scale()
    named = Scale(plain.slope * factor, plain.intercept * factor, unit)
    if mapping is not None and unit.startswith("SUV"):
        return one_scale(None, mapping, where=where)
    if unit.startswith("SUV"):
        named = _from_suv(named, data, where)
    scale, notes = one_scale(named, mapping, where=where)
    if scale.unit == "counts":
        return _by_philips(scale, data, notes, where)
    return scale, notes


def _by_philips(
    scale: Scale, data: Dataset, notes: tuple[Note, ...], where: str
) -> tuple[Scale, tuple[Note, ...]]:
    """One maker's own factors: (7053,xx09) to Bq/ml, else (7053,xx00) to SUV by weight."""
    factor = _philips(data, 0x09)
    if factor is None and (to_suv := _philips(data, 0x00)):
        factor = _from_suv(Scale(to_suv), data, where).slope
    if factor is None:
        return scale, notes
    said = note("I-DCM-PHILIPS-SCALE", where=where, value=factor)
    return Scale(scale.slope * factor, scale.intercept * factor, "Bq/ml"), (*notes, said)


def _philips(data: Dataset, element: int) -> float | None:
    """A number of the Philips private group."""
    try:
        return float(data.private_block(0x7053, PHILIPS)[element].value) or None
    except (KeyError, TypeError, ValueError):
        return None


def _from_suv(scale: Scale, data: Dataset, where: str) -> Scale:
    """Bq/ml from SUV by body weight: SUV x dose (decayed to the reference) / weight."""
    said = first(data, "RadiopharmaceuticalInformationSequence") or Dataset()
    dose_bq, weight_kg = number(said, "RadionuclideTotalDose"), number(data, "PatientWeight")
    half_life_s = number(said, "RadionuclideHalfLife")
    zone = times.zone_of(data)
    given = times.moment_of(text(said, "RadiopharmaceuticalStartDateTime"), zone)
    series = times.moment(text(data, "SeriesDate"), text(data, "SeriesTime"), zone)
    by_weight = text(data, "SUVType") in ("", "BW")
    corrected = text(data, "DecayCorrection")
    if not (dose_bq and weight_kg and half_life_s and given and series and by_weight):
        raise refusal("E-DCM-UNITS", where=where, units=f"SUV ({text(data, 'Units')})")
    if corrected not in ("START", "ADMIN"):
        raise refusal("E-DCM-UNITS", where=where, units="SUV without a decay reference")
    waited_s = (series - given).total_seconds() if corrected == "START" else 0.0
    per_suv = dose_bq * 2.0 ** (-waited_s / half_life_s) / (weight_kg * 1000.0)
    return Scale(scale.slope * per_suv, scale.intercept * per_suv, "Bq/ml")


def _timing(data: Dataset, where: str) -> Timing | None:
    """Time of one bed position, as one frame of one head."""
    duration = number(data, "ActualFrameDuration")
    if not duration:
        return None
    return Timing(times.frame_seconds(duration, where=where), 1, 1)
