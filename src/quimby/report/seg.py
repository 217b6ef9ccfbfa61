"""Outlines as DICOM SEG: those of a result on its CT, and those made by `quimby outline`.

Each segment says how it came about: MANUAL, SEMIAUTOMATIC (a person placed a seed or a shape) or
AUTOMATIC, with tool, version, parameters and the image used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import refusal
from quimby.core.outline import Making, Outline
from quimby.measure.dicom.about import MAKER, OUTLINER
from quimby.measure.dicom.making import parameters_text
from quimby.measure.occupancy import occupancy, region_mask
from quimby.report.dicom_file import IMPLEMENTATION, identity, in_bytes, uid
from quimby.report.seg_slices import referring_to, slices_of

SEEN_AT = 0.5
MOST = 255
"""Largest stored number of a fractional segmentation: an occupancy is kept to 1/255."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What one kind of file is called."""

    model: str
    series: str
    number: int
    content: str


RESULT = _Sheet(MAKER, "Quimby outlines", 9102, "Outlines used for dosimetry")
DRAFT = _Sheet(OUTLINER, "Quimby outlines, draft", 9103, "Outlines to be reviewed")

CODES = {  # SNOMED CT
    "kidney": ("64033007", "Kidney"),
    "liver": ("10200004", "Liver"),
    "spleen": ("78961009", "Spleen"),
    "marrow": ("14016003", "Bone marrow"),
    "bone marrow": ("14016003", "Bone marrow"),
    "bone": ("272673000", "Bone"),
    "lesion": ("52988006", "Lesion"),
    "parotid": ("45289007", "Parotid gland"),
    "lung": ("39607008", "Lung"),
    "bladder": ("89837001", "Urinary bladder"),
    "pancreas": ("15776009", "Pancreas"),
    "heart": ("80891009", "Heart"),
    "thyroid": ("69748006", "Thyroid gland"),
    "pituitary": ("56329008", "Pituitary gland"),
    "body": ("38266002", "Entire body"),
}
ORGAN = ("113343008", "Organ")
STRUCTURE = ("91723000", "Anatomical Structure")
ABNORMAL = ("49755003", "Morphologically Altered Structure")
FAMILIES = {  # CID 7162, by what bounds the region
    "threshold": ("123105", "Histogram Analysis"),
    "adaptive threshold": ("123105", "Histogram Analysis"),
    "ct": ("123104", "Morphological Operations"),
    "rule": ("123101", "Neighborhood Analysis"),
    "shape": ("123109", "Manual Processing"),
    "small volume": ("123101", "Neighborhood Analysis"),
    "program": ("123110", "Artificial Intelligence"),
}


def segmentation(
    masks: Mapping[str, Image], organs: Mapping[str, tuple[str, str]], *,
    ct: Sequence[Dataset], made_at: datetime, version: str,
    outlines: Mapping[str, Outline] | None = None,
) -> bytes:  # fmt: skip
    """A result's outlines on the CT's grid (or SPECT's), binary, voxels at least half inside.

    `organs` gives (organ, side) of each region, `outlines` how each was made (without: by hand),
    `made_at` the content's date. `ct` holds the headers of every slice, in any order. Raises
    E-REP-CT-GRID where headers and masks disagree, E-REP-EMPTY-OUTLINE for an outline that meets
    no voxel.
    """
    grid = next(iter(masks.values())).grid
    slices = slices_of(ct, grid)
    pixels = np.stack([_inside(name, mask) for name, mask in masks.items()], axis=-1)
    rows = [_Row(name, *organs.get(name, ("", "")), (outlines or {}).get(name)) for name in masks]
    seg = _object(slices, pixels, rows, (RESULT, version))
    referring_to(seg, ct, slices)
    _made_the_same_again(seg, made_at)
    return in_bytes(seg)


def outline_file(
    outlines: Sequence[Outline], organs: Mapping[str, tuple[str, str]], *, grid: Grid,
    headers: Sequence[Dataset], made_at: datetime, version: str,
) -> bytes:  # fmt: skip
    """Outlines on the grid of the image they were made on, as drafts to be reviewed.

    `headers` are those of the image's files. Binary where every voxel is wholly in or out, else
    fractional (occupancy, to 1/255). E-REP-EMPTY-OUTLINE, E-REP-CT-GRID.
    """
    shares = [_share(outline, grid) for outline in outlines]
    whole = all(bool(((s == 0) | (s == MOST)).all()) for s in shares)
    rows = [_Row(o.name, *organs.get(o.name, ("", "")), o) for o in outlines]
    slices = slices_of(headers, grid)
    seg = _object(slices, _stacked(shares, whole), rows, (DRAFT, version), fractional=not whole)
    referring_to(seg, headers, slices)
    _made_the_same_again(seg, made_at)
    return in_bytes(seg)


def _share(outline: Outline, grid: Grid) -> NDArray[np.uint8]:
    mask = region_mask(outline, like=grid)
    found = np.rint(occupancy(mask, grid, Rigid.identity()).values * MOST).astype(np.uint8)
    if not found.any():
        raise refusal("E-REP-EMPTY-OUTLINE", where=outline.name, region=outline.name)
    return found


def _stacked(shares: Sequence[NDArray[np.uint8]], whole: bool) -> NDArray[Any]:
    """Pixels as highdicom takes them: shares, or numbers of segments where none share a voxel."""
    if not whole:
        return np.stack(shares, axis=-1).astype(np.float32) / np.float32(MOST)
    claimed = np.sum([s > 0 for s in shares], axis=0)
    if claimed.max() > 1:
        return np.stack([s > 0 for s in shares], axis=-1)
    labels = np.zeros(shares[0].shape, dtype=np.uint16)
    for number, share in enumerate(shares, start=1):
        labels[share > 0] = number
    return labels


def _inside(name: str, mask: Image) -> NDArray[np.bool_]:
    """Voxels at least half inside; for a region smaller than any voxel, its fullest ones."""
    array = np.asarray(mask.array)
    top = float(array.max())
    if top <= 0:
        raise refusal("E-REP-EMPTY-OUTLINE", where=name, region=name)
    inside: NDArray[np.bool_] = array >= min(SEEN_AT, top)
    return inside


@dataclass(frozen=True, slots=True)
class _Row:
    """One segment to be described."""

    name: str
    organ: str
    side: str
    outline: Outline | None


def _object(slices: Sequence[Dataset], pixels: NDArray[Any], rows: Sequence[_Row],
            about: tuple[_Sheet, str], *, fractional: bool = False) -> Any:  # fmt: skip
    import highdicom as hd

    sheet, version = about
    used = np.flatnonzero(pixels.reshape(len(pixels), -1).any(axis=1))
    first, last = int(used[0]), int(used[-1]) + 1
    slices, pixels = slices[first:last], pixels[first:last]
    study = identity(slices[0])
    seed: tuple[str | bytes, ...] = (study, pixels.tobytes(), *(row.name for row in rows))
    kinds = hd.seg.SegmentationTypeValues
    return hd.seg.Segmentation(
        source_images=slices,
        pixel_array=pixels,
        segmentation_type=kinds.FRACTIONAL if fractional else kinds.BINARY,
        fractional_type=hd.seg.SegmentationFractionalTypeValues.OCCUPANCY,
        max_fractional_value=MOST,
        segment_descriptions=[
            _description(number, row, study) for number, row in enumerate(rows, start=1)
        ],
        series_instance_uid=uid("SEG", "series", sheet.model, *seed),
        series_number=sheet.number,
        sop_instance_uid=uid("SEG", "instance", sheet.model, *seed),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=sheet.model,
        software_versions=version,
        device_serial_number="0",
        content_label="OUTLINES",
        content_description=sheet.content,
        series_description=sheet.series,
        omit_empty_frames=True,
    )


def _description(number: int, row: _Row, seed: str) -> Any:
    import highdicom as hd

    code = CODES.get(row.organ, ORGAN)
    category = ABNORMAL if row.organ == "lesion" else STRUCTURE
    kinds = hd.seg.SegmentAlgorithmTypeValues
    how = making(row.outline)
    kind = (
        kinds.MANUAL if how is None else kinds.AUTOMATIC if how.automatic else kinds.SEMIAUTOMATIC
    )
    found = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=row.name[:64],
        segmented_property_category=_code(category),
        segmented_property_type=_code(code),
        algorithm_type=kind,
        algorithm_identification=None if how is None else _algorithm(how),
        tracking_uid=uid("SEG", "region", seed, row.name),
        tracking_id=row.name[:64],
    )
    if how is not None and how.words:
        found.SegmentDescription = how.words[:1024]
    return found


def making(outline: Outline | None) -> Making | None:
    """How an outline came about; None for one by hand, or that nobody says anything of."""
    if outline is None or outline.made is not None:
        return outline.made if outline is not None else None
    if not outline.machine:
        return None
    return Making("unknown", outline.author or "unknown", outline.origin, "program", automatic=True)


def _algorithm(how: Making) -> Any:
    import highdicom as hd

    value, meaning = FAMILIES.get(how.edge, FAMILIES["program"])
    source, _, version = how.program.rpartition(" ")
    if not source:
        source, version = version, "unknown"
    found = hd.AlgorithmIdentificationSequence(
        name=how.tool[:64], version=version[:64] or "unknown", source=source[:64] or None,
        family=hd.sr.CodedConcept(value=value, scheme_designator="DCM", meaning=meaning),
    )  # fmt: skip
    found[0].AlgorithmParameters = parameters_text(how)
    return found


def _code(row: tuple[str, str]) -> Any:
    import highdicom as hd

    return hd.sr.CodedConcept(value=row[0], scheme_designator="SCT", meaning=row[1])


def _made_the_same_again(seg: Any, made_at: datetime) -> None:
    """Replace what highdicom takes from the clock or from chance."""
    seg.ContentDate, seg.ContentTime = f"{made_at:%Y%m%d}", f"{made_at:%H%M%S}"
    for name in ("InstanceCreationDate", "InstanceCreationTime"):
        if name in seg:
            delattr(seg, name)
    for item in seg.get("ContributingEquipmentSequence", []):
        item.ContributionDateTime = f"{made_at:%Y%m%d%H%M%S%z}"
    organisation = uid("SEG", "dimensions", seg.SOPInstanceUID)
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in seg.get(sequence, []):
            item.DimensionOrganizationUID = organisation
    seg.file_meta.ImplementationClassUID = UID(IMPLEMENTATION)
    seg.file_meta.ImplementationVersionName = "QUIMBY"
