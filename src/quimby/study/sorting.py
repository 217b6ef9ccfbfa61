"""What the series of a folder are to a study: scans, their CTs, outlines, commissioning scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from quimby.measure.dicom.about import MAKER
from quimby.measure.dicom.survey import Series, Survey

CYLINDER_WORDS = ("cylinder", "zylinder", "cylindre")
SPHERE_WORDS = ("sphere", "sphère", "kugel", "nema")
PAIR_WITHIN = timedelta(hours=3)
PLANAR = ("planar", "whole body")


@dataclass(frozen=True, slots=True)
class Pair:
    """One time point: a scan and its CT, where one was found."""

    scan: Series
    ct: Series | None


@dataclass(frozen=True, slots=True)
class Sorted:
    """The series of a folder by their part in a study."""

    pairs: tuple[Pair, ...]
    outlines: tuple[Series, ...]
    cylinder: Series | None
    spheres: Series | None
    maps: tuple[Series, ...]  # real-world value maps that stand alone, of any scan
    planars: tuple[Series, ...]  # pairs of views beside a lone SPECT/CT, of the same patient
    unused: tuple[tuple[Series, str], ...]  # series, why it is not used


def sort(survey: Survey) -> Sorted:
    """Give each series its part. A scan of a phantom is known by its words or its folder."""
    given = [s for s in survey.series if s.manufacturer != MAKER]
    spects = [s for s in given if s.kind == "spect"]
    cylinder = _only(spects, CYLINDER_WORDS)
    spheres = _only(spects, SPHERE_WORDS, but=cylinder)
    scans = sorted((s for s in spects if s is not cylinder and s is not spheres), key=_when)
    cts = [s for s in given if s.kind == "ct"]
    pairs = tuple(Pair(s, _ct_of(s, cts)) for s in scans)
    outlines = tuple(s for s in given if s.kind in ("rtstruct", "seg"))
    used = {id(s) for p in pairs for s in (p.scan, p.ct)} | {id(s) for s in outlines}
    used |= {id(cylinder), id(spheres)}
    scaled = {s.series_uid for s in spects}
    maps = tuple(s for s in survey.of("rwvm") if scaled.intersection(s.references))
    planars = _planars(pairs, given)
    used |= {id(s) for s in (*maps, *planars)}
    unused = tuple((s, _why(s)) for s in survey.series if id(s) not in used)
    return Sorted(pairs, outlines, cylinder, spheres, maps, planars, unused)


def _planars(pairs: Sequence[Pair], given: Sequence[Series]) -> tuple[Series, ...]:
    """Planar pairs that can carry the kinetics: with several SPECT/CT these do it themselves."""
    if len(pairs) != 1:
        return ()
    who = pairs[0].scan.identity.patient_id
    views = (s for s in given if s.kind in PLANAR and s.frames > 1)
    return tuple(sorted((s for s in views if s.identity.patient_id == who), key=_when))


def with_maps(series: Series, maps: Sequence[Series]) -> tuple[Path, ...]:
    """The files of a series and of the maps that speak of it: without them it has no scale."""
    speaking = (one for one in maps if series.series_uid in one.references)
    return series.files + tuple(path for one in speaking for path in one.files)


def _only(scans: Sequence[Series], words: Sequence[str], *, but: Series | None = None
          ) -> Series | None:  # fmt: skip
    """The latest scan whose description or folder says one of the words."""
    found = [s for s in scans if s is not but and _says(s, words)]
    return max(found, key=_when, default=None)


def _says(series: Series, words: Sequence[str]) -> bool:
    said = f"{series.description} {series.files[0].parent.name}".lower()
    return any(word in said for word in words)


def _when(series: Series) -> float:
    """Sorting key; a naive time is read as UTC here, for order only."""
    moment = series.acquired_at
    if moment is None:
        return 0.0
    return (moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)).total_seconds()


def _ct_of(scan: Series, cts: Sequence[Series]) -> Series | None:
    """Same frame of reference first, then same study, then the nearest within three hours."""
    for same in (
        [
            c
            for c in cts
            if c.frame_of_reference and c.frame_of_reference == scan.frame_of_reference
        ],
        [c for c in cts if c.study_uid == scan.study_uid],
        [c for c in cts if abs(_when(c) - _when(scan)) <= PAIR_WITHIN.total_seconds()],
    ):
        if same:
            return min(same, key=lambda c: (abs(_when(c) - _when(scan)), -len(c.files)))
    return None


def _why(series: Series) -> str:
    if series.manufacturer == MAKER:
        return "made by Quimby"
    if series.kind in (*PLANAR, "dynamic", "tomo projections"):
        return not_used(series)
    return f"{series.kind}: not used"


def not_used(series: Series) -> str:
    """Why views lie aside."""
    return f"{series.kind} views are not used by this protocol"


def common_path(files: Sequence[Path], root: Path) -> str:
    """The file, or the folder that holds all files, relative to `root`, with forward slashes."""
    if len(files) == 1:
        return files[0].relative_to(root).as_posix()
    parents = [f.parent for f in files]
    shared = parents[0]
    while not all(p.is_relative_to(shared) for p in parents):
        shared = shared.parent
    return shared.relative_to(root).as_posix()


def outlined_scan(outlines: Series, pairs: Mapping[str, Pair]) -> str | None:
    """The id of the measurement whose CT (or frame of reference) the outlines refer to."""
    for name, pair in pairs.items():
        if pair.ct is not None and pair.ct.series_uid in outlines.references:
            return name
    for name, pair in pairs.items():
        frames = {pair.scan.frame_of_reference} | (
            {pair.ct.frame_of_reference} if pair.ct else set()
        )
        if outlines.frame_of_reference in frames:
            return name
    return None
