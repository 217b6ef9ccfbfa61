"""Reading SPECT and PET into one kind of value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, in_order, note, refusal
from quimby.measure.dicom import about, nm, pet, times
from quimby.measure.dicom.decay_moment import reference_of
from quimby.measure.dicom.frames import check_lossless
from quimby.measure.dicom.headers import items, open_file, text, tolerant
from quimby.measure.dicom.scale import (
    QUANTITATIVE,
    Scale,
    known_unit,
    mappings_in,
    one_mapping,
    one_scale,
    rescale_of,
    unit_of,
    units_named,
)  # fmt: skip
from quimby.measure.scans import EmissionScan, Timing

NM = "1.2.840.10008.5.1.4.1.1.20"
PET = (
    "1.2.840.10008.5.1.4.1.1.128",
    "1.2.840.10008.5.1.4.1.1.128.1",
    "1.2.840.10008.5.1.4.1.1.130",
)
MAP = "1.2.840.10008.5.1.4.1.1.67"


def read_emission(files: Iterable[Path | str], *, timing: Timing | None = None) -> EmissionScan:
    """One reconstructed SPECT or PET series as an image in counts or Bq/ml.

    `files` are those of one series; real-world-value-map objects that speak of it may be among
    them. Slices are sorted along the planes' normal, so the grid is right-handed. Stored
    numbers become values through exactly one mapping. `timing`, where
    given, is a person's word and goes before the file's.

    Raises
    ------
    InputError
        E-DCM-SOP for another kind of object, E-DCM-IMAGE-TYPE for planar, whole-body, dynamic
        or raw tomographic frames, E-DCM-LOSSY for numbers changed by compression, E-DCM-UNITS
        for a unit that cannot become activity, and the geometry codes of `geometry`.
    """
    with tolerant():
        opened = [(Path(path), open_file(path)) for path in files]
        maps = [data for _, data in opened if text(data, "SOPClassUID") == MAP]
        images = _once([pair for pair in opened if text(pair[1], "SOPClassUID") != MAP])
        if not images:
            raise refusal("E-DCM-EMPTY", where=", ".join(str(path) for path, _ in opened) or "—")
        where = _where([path for path, _ in images])
        _one_class(images)
        datas = [data for _, data in images]
        if text(datas[0], "SOPClassUID") == NM:
            parts = _nm(images, maps, timing)
        else:
            parts = pet.volume(datas, maps, where=where)
        return _scan(parts, images, where)


def _where(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0].parent} ({len(paths)} files)"


def _once(found: Sequence[tuple[Path, Dataset]]) -> list[tuple[Path, Dataset]]:
    """No instance twice: one file found in two folders counts once."""
    unique = {text(data, "SOPInstanceUID") or str(path): (path, data) for path, data in found}
    return list(unique.values())


def _one_class(images: Sequence[tuple[Path, Dataset]]) -> None:
    for path, data in images:
        if text(data, "SOPClassUID") not in (NM, *PET):
            raise refusal(
                "E-DCM-SOP", where=str(path), found=_class_name(data), wanted="an NM or PET image"
            )
        check_lossless(data, where=str(path))
    for keyword in ("SeriesInstanceUID", "PatientID", "FrameOfReferenceUID", "SOPClassUID"):
        if len({text(data, keyword) for _, data in images}) > 1:
            raise refusal("E-DCM-MIXED", where=_where([p for p, _ in images]), what=keyword)


def _class_name(data: Dataset) -> str:
    name = getattr(data.get("SOPClassUID"), "name", "")
    return str(name) or "no class"


Parts = tuple[Grid, NDArray[np.float64], str, Timing | None, tuple[Note, ...]]


def _nm(
    images: Sequence[tuple[Path, Dataset]], maps: Sequence[Dataset], told: Timing | None
) -> Parts:
    if len(images) > 1:
        raise refusal("E-DCM-NM-FILES", where=_where([p for p, _ in images]), number=len(images))
    path, data = images[0]
    where = str(path)
    nm.check_image_type(data, where=where)
    grid, slices, placed = nm.grid_and_slices(data, where=where)
    scale, scaled = nm_scale(data, maps, where=where)
    values = scale.apply(slices, where=where)
    beyond = scale.beyond(slices, where=where)
    timing, timed = (told, ()) if told else nm.timing_of(data, where=where)
    return grid, values, scale.unit, timing, placed + scaled + beyond + timed


def nm_scale(
    data: Dataset, maps: Sequence[Dataset] = (), *, where: str
) -> tuple[Scale, tuple[Note, ...]]:
    """The one mapping of an NM file, with its unit.

    The unit is that of the real-world value map, else of Units or RescaleType. A file that
    names none holds counts by the standard's habit (I-DCM-COUNTS).
    """
    mapping = one_mapping(_mappings(data, maps, where), where=where)
    written = next(
        (word for key in ("Units", "RescaleType") if known_unit(word := text(data, key))), ""
    )
    if mapping is None and text(data, "Units") and not written:
        raise refusal("E-DCM-UNITS", where=where, units=text(data, "Units"))
    unit, factor = unit_of(written, where=where) if written else ("counts", 1.0)
    if mapping is None and unit not in QUANTITATIVE:
        raise refusal("E-DCM-UNITS", where=where, units=written)
    if mapping is None and not written and (named := _map_units(data, maps)):
        raise refusal("E-DCM-UNITS", where=where, units=" and ".join(named))
    scale, notes = one_scale(rescale_of(data, unit, factor), mapping, where=where)
    if mapping is None and not written:
        notes += (note("I-DCM-COUNTS", where=where),)
    return (scale if scale.unit else Scale(factor, unit=unit)), notes


def _mappings(data: Dataset, maps: Sequence[Dataset], where: str) -> list[Scale]:
    uid = text(data, "SOPInstanceUID")
    groups = _groups(data, maps)
    return [scale for group in groups for scale in mappings_in(group, uid, where=where)]


def _map_units(data: Dataset, maps: Sequence[Dataset]) -> tuple[str, ...]:
    """Units of maps none of which leads to activity: the stored numbers are then no counts."""
    return tuple(dict.fromkeys(u for group in _groups(data, maps) for u in units_named(group)))


def _groups(data: Dataset, maps: Sequence[Dataset]) -> list[Dataset]:
    """Where maps may stand."""
    return [
        data,
        *items(data, "SharedFunctionalGroupsSequence"),
        *items(data, "PerFrameFunctionalGroupsSequence"),
        *maps,
    ]


def _scan(parts: Parts, images: Sequence[tuple[Path, Dataset]], where: str) -> EmissionScan:
    grid, values, unit, timing, notes = parts
    if unit == "Bq":  # in each voxel
        values, unit = values / grid.voxel_ml, "Bq/ml"
    if unit == "cps":
        seconds, rated = _counted(timing, where)
        values, unit, notes = values * seconds, "counts", notes + rated
    datas = [data for _, data in images]
    data = datas[0]
    drug, drugged = about.pharmaceutical_of(data, where=where)
    # A whole-body PET scan begins at its first bed.
    start = times.earliest(times.acquired_at(data) for data in datas)
    decayed = reference_of(data, start, drug, where=where)
    timeless = () if start else (note("W-DCM-NOTIME", where=where),)
    return EmissionScan(
        image=Image(grid, (values * decayed.factor).astype(np.float32), unit),
        modality=text(data, "Modality"),
        identity=about.identity_of(data),
        frame_of_reference=text(data, "FrameOfReferenceUID"),
        study_uid=text(data, "StudyInstanceUID"),
        series_uid=text(data, "SeriesInstanceUID"),
        description=text(data, "SeriesDescription"),
        acquired_at=start,
        timing=timing,
        decay_reference=decayed.name,
        device=about.device_of(data),
        pharmaceutical=drug,
        patient_position=about.position_of(data),
        files=tuple(path for path, _ in images),
        notes=in_order(notes + drugged + decayed.notes + timeless),
        doubts=decayed.doubts,
    )


def _counted(timing: Timing | None, where: str) -> tuple[float, tuple[Note, ...]]:
    """Seconds that turn counts per second into counts, noted; E-DCM-FRAMEDUR when not known."""
    if timing is None:
        found = "its values are counts per second, and the file does not say the time"
        raise refusal("E-DCM-FRAMEDUR", where=where, found=found)
    seconds = timing.elapsed_scan_time_s
    return seconds, (note("W-DCM-CPS", where=where, value=seconds),)
