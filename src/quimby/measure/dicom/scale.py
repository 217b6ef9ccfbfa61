"""From stored numbers to real-world values: one mapping, applied once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset

from quimby.core.notes import Note, note, refusal
from quimby.measure.dicom.headers import first, items, number, numbers, text

UNITS: Mapping[str, tuple[str, float]] = {  # as written, without case -> our unit, factor to it
    "bqml": ("Bq/ml", 1.0), "bq/ml": ("Bq/ml", 1.0), "bq/cm3": ("Bq/ml", 1.0),
    "kbq/ml": ("Bq/ml", 1e3), "mbq/ml": ("Bq/ml", 1e6), "kbqml": ("Bq/ml", 1e3),
    "bq": ("Bq", 1.0), "kbq": ("Bq", 1e3), "mbq": ("Bq", 1e6),  # in a voxel
    "cnts": ("counts", 1.0), "counts": ("counts", 1.0), "{counts}": ("counts", 1.0),
    "count": ("counts", 1.0), "{count}": ("counts", 1.0),
    "cps": ("cps", 1.0), "kcps": ("cps", 1e3), "counts/s": ("cps", 1.0),
    "{counts}/s": ("cps", 1.0), "{count}/s": ("cps", 1.0),
    "gml": ("SUV g/ml", 1.0), "g/ml": ("SUV g/ml", 1.0), "{suvbw}g/ml": ("SUV g/ml", 1.0),
}  # fmt: skip
QUANTITATIVE = ("Bq/ml", "Bq", "counts", "cps")


@dataclass(frozen=True, eq=False)
class Scale:
    """value = slope * stored + intercept, or a table from `first` on; in our `unit`.

    `unit` is "Bq/ml", "Bq" (in a voxel), "counts", "cps", "SUV g/ml", or "" where none is named.
    """

    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    first: float | None = None  # stored values the mapping is meant for
    last: float | None = None
    table: NDArray[np.float64] | None = None

    def apply(self, stored: ArrayLike, *, where: str) -> NDArray[np.float64]:
        """Real-world values, float64. E-DCM-RWVM-RANGE for a stored value a table lacks."""
        raw = np.asarray(stored)
        if self.table is None:
            return np.asarray(raw * np.float64(self.slope) + self.intercept, dtype=np.float64)
        index = raw.astype(np.int64) - round(self.first or 0.0)
        if index.size and (index.min() < 0 or index.max() >= self.table.size):
            found = f"{raw.min()} to {raw.max()}"
            raise refusal("E-DCM-RWVM-RANGE", where=where, found=found, size=self.table.size)
        return np.asarray(self.table[index], dtype=np.float64)

    def beyond(self, stored: ArrayLike, *, where: str) -> tuple[Note, ...]:
        """W-DCM-RWVM-RANGE when numbers lie outside those the mapping is meant for."""
        if self.first is None or self.last is None:
            return ()
        raw = np.asarray(stored)
        if raw.min() >= self.first and raw.max() <= self.last:
            return ()
        return (note("W-DCM-RWVM-RANGE", where=where, found=f"{self.first:g} to {self.last:g}"),)

    def same_as(self, other: Scale) -> bool:
        """The same values (to 1e-6) in the same unit, where both name one."""
        if self.table is not None or other.table is not None:
            return False
        if self.unit and other.unit and self.unit != other.unit:
            return False
        pairs = ((self.slope, other.slope), (self.intercept, other.intercept))
        return all(abs(a - b) <= 1e-6 * max(abs(a), abs(b)) for a, b in pairs)


def unit_of(written: str, *, where: str) -> tuple[str, float]:
    """Our unit and the factor to it. E-DCM-UNITS for one that cannot become activity."""
    try:
        return UNITS[written.strip().lower()]
    except KeyError:
        raise refusal("E-DCM-UNITS", where=where, units=written or "no unit") from None


def known_unit(written: str) -> bool:
    """Whether `unit_of` knows it."""
    return written.strip().lower() in UNITS


def one_scale(
    rescale: Scale | None, mapping: Scale | None, *, where: str
) -> tuple[Scale, tuple[Note, ...]]:
    """The one mapping to apply: real-world value map, else rescale, else numbers as stored.

    W-DCM-TWO-SCALES when both are there and say different things.
    """
    if mapping is None:
        return rescale or Scale(), ()
    if rescale is None or rescale.same_as(mapping):
        return mapping, ()
    said = note("W-DCM-TWO-SCALES", where=where, map=_say(mapping), rescale=_say(rescale))
    return mapping, (said,)


def real_world_value(
    stored: ArrayLike, *, rescale: Scale | None = None, mapping: Scale | None = None, where: str
) -> tuple[NDArray[np.float64], tuple[Note, ...]]:
    """Real-world values of stored ones, through exactly one mapping, with what was noted."""
    scale, notes = one_scale(rescale, mapping, where=where)
    return scale.apply(stored, where=where), notes


def _say(scale: Scale) -> str:
    rule = "a table" if scale.table is not None else f"{scale.slope:g} x + {scale.intercept:g}"
    return f"{rule} {scale.unit}".strip()


def rescale_of(data: Dataset, unit: str = "", factor: float = 1.0) -> Scale | None:
    """The rescale of (0028,1052/1053) here or in functional groups below `data`; None if absent."""
    inside = first(data, "PixelValueTransformationSequence")
    inside = data if inside is None else inside
    slope, intercept = number(inside, "RescaleSlope"), number(inside, "RescaleIntercept")
    if slope is None and intercept is None:
        return None
    return Scale((1.0 if slope is None else slope) * factor, (intercept or 0.0) * factor, unit)


def mappings_in(data: Dataset, sop_uid: str = "", *, where: str) -> tuple[Scale, ...]:
    """Every map to activity or counts here, or in referenced-image maps that name `sop_uid`.

    Maps to other quantities (SUV) are left aside; so is one whose slope or table is missing.
    """
    found = list(items(data, "RealWorldValueMappingSequence"))
    for holder in items(data, "ReferencedImageRealWorldValueMappingSequence"):
        if _speaks_of(holder, sop_uid):
            found += items(holder, "RealWorldValueMappingSequence")
    read = (_mapping(item, where) for item in found)
    return tuple(scale for scale in read if scale is not None and scale.unit in QUANTITATIVE)


def units_named(data: Dataset) -> tuple[str, ...]:
    """Units of every map here, as written, whether known or not."""
    found = list(items(data, "RealWorldValueMappingSequence"))
    for holder in items(data, "ReferencedImageRealWorldValueMappingSequence"):
        found += items(holder, "RealWorldValueMappingSequence")
    codes = (first(one, "MeasurementUnitsCodeSequence") for one in found)
    return tuple(dict.fromkeys(text(code, "CodeValue") for code in codes if code is not None))


def _speaks_of(holder: Dataset, sop_uid: str) -> bool:
    named = [
        text(ref, "ReferencedSOPInstanceUID") for ref in items(holder, "ReferencedImageSequence")
    ]
    return not named or not sop_uid or sop_uid in named


def _mapping(item: Dataset, where: str) -> Scale | None:
    code = first(item, "MeasurementUnitsCodeSequence")
    written = [text(code, key) for key in ("CodeValue", "CodeMeaning")] if code is not None else []
    known = next((word for word in written if known_unit(word)), None)
    if known is None:
        return None
    unit, factor = unit_of(known, where=where)
    start = _either(item, "RealWorldValueFirstValueMapped")
    end = _either(item, "RealWorldValueLastValueMapped")
    table = numbers(item, "RealWorldValueLUTData")
    if table:
        return Scale(unit=unit, first=start, last=end, table=np.array(table) * factor)
    slope = number(item, "RealWorldValueSlope")
    if slope is None:
        return None
    intercept = number(item, "RealWorldValueIntercept") or 0.0
    return Scale(slope * factor, intercept * factor, unit, start, end)


def _either(item: Dataset, keyword: str) -> float | None:
    plain = number(item, keyword)
    return plain if plain is not None else number(item, f"DoubleFloat{keyword}")


def one_mapping(found: Iterable[Scale], *, where: str) -> Scale | None:
    """The map to use: activity before counts. E-DCM-RWVM-TWO when two of a kind differ."""
    ranked = sorted(found, key=lambda scale: QUANTITATIVE.index(scale.unit))
    if not ranked:
        return None
    best = ranked[0]
    rivals = [scale for scale in ranked[1:] if scale.unit == best.unit]
    if not all(best.same_as(rival) for rival in rivals):
        raise refusal("E-DCM-RWVM-TWO", where=where, number=1 + len(rivals), unit=best.unit)
    return best
