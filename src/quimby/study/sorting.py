"""What the series of a folder are to a study: scans, their CTs, outlines, commissioning scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from quimby.measure.dicom.about import MAKER, OUTLINER
from quimby.measure.dicom.bed_groups import bed_groups
from quimby.measure.dicom.planar_groups import view_groups
from quimby.measure.dicom.split_series import whole_series
from quimby.measure.dicom.survey import Series, Survey
from quimby.study.reconstructions import one_of_each

CYLINDER_WORDS = ("cylinder", "zylinder", "cylindre")
SPHERE_WORDS = ("sphere", "sphère", "kugel", "nema")
PAIR_WITHIN = timedelta(hours=3)
PLANAR = ("planar", "whole body")
ONE_VIEW = "one view alone: a planar pair is two opposite views of one moment"


@dataclass(frozen=True, slots=True)
class Pair:
    """One time point: a scan and its CT, where one was found, and the scan's other beds.

    `rivals` are other reconstructions of it, corrected alike.
    """

    scan: Series
    ct: Series | None
    beds: tuple[Series, ...] = ()
    rivals: tuple[Series, ...] = ()


@dataclass(frozen=True, slots=True)
class Sorted:
    """The series of a folder by their part in a study."""

    pairs: tuple[Pair, ...]
    outlines: tuple[Series, ...]
    cylinder: Series | None
    spheres: Series | None
    maps: tuple[Series, ...]  # real-world value maps that stand alone, of any scan
    planars: tuple[tuple[Series, ...], ...]  # pairs of views beside a lone SPECT/CT, of its patient
    unused: tuple[tuple[Series, str], ...]  # series, why it is not used


def sort(survey: Survey) -> Sorted:
    """Give each series its part. A scan of a phantom is known by its words or its folder."""
    given = [s for s in survey.series if s.manufacturer != MAKER or s.model == OUTLINER]
    chosen = one_of_each(sorted((s for s in given if s.kind == "spect"), key=_when))
    spects = chosen.series
    cylinder = _only(spects, CYLINDER_WORDS)
    spheres = _only(spects, SPHERE_WORDS, but=cylinder)
    phantoms = _of_phantoms(spects, cylinder, spheres)
    cts = whole_series([s for s in given if s.kind == "ct"])
    pairs = tuple(
        Pair(first, _ct_of(first, cts), tuple(beds), chosen.rivals.get(first.series_uid, ()))
        for first, *beds in bed_groups([s for s in spects if s not in phantoms])
    )
    outlines = tuple(s for s in given if s.kind in ("rtstruct", "seg"))
    used = {id(s) for p in pairs for s in (p.scan, p.ct, *p.beds)} | {id(s) for s in outlines}
    used |= {id(cylinder), id(spheres)}
    shown = {path for p in pairs if p.ct for path in p.ct.files}
    used |= {id(s) for s in given if shown.issuperset(s.files)}  # a CT that came in parts
    scaled = {s.series_uid for s in spects}
    maps = tuple(s for s in survey.of("rwvm") if scaled.intersection(s.references))
    planars = _planars(pairs, given)
    used |= {id(s) for s in (*maps, *(s for views in planars for s in views))}
    why = {id(s): "another scan of a phantom" for s in phantoms}
    why |= {id(s): reason for s, reason in chosen.aside}
    why |= {id(s): ONE_VIEW for s in given if s.kind in PLANAR and len(pairs) == 1}
    unused = tuple((s, why.get(id(s)) or _why(s)) for s in survey.series if id(s) not in used)
    return Sorted(pairs, outlines, cylinder, spheres, maps, planars, unused)


def _planars(pairs: Sequence[Pair], given: Sequence[Series]) -> tuple[tuple[Series, ...], ...]:
    """Planar pairs that can carry the kinetics: with several SPECT/CT these do it themselves."""
    if len(pairs) != 1:
        return ()
    who = pairs[0].scan.identity.patient_id
    views = (s for s in given if s.kind in PLANAR and s.identity.patient_id == who)
    return view_groups(sorted(views, key=_when))


def with_maps(series: Series, maps: Sequence[Series]) -> tuple[Path, ...]:
    """The files of a series and of the maps that speak of it: without them it has no scale."""
    speaking = (one for one in maps if series.series_uid in one.references)
    return series.files + tuple(path for one in speaking for path in one.files)


def _only(scans: Sequence[Series], words: Sequence[str], *, but: Series | None = None
          ) -> Series | None:  # fmt: skip
    """The latest scan whose description or folder says one of the words."""
    found = [s for s in scans if s is not but and _says(s, words)]
    return max(found, key=_when, default=None)


def _of_phantoms(
    spects: Sequence[Series], cylinder: Series | None, spheres: Series | None
) -> Sequence[Series]:
    """The phantom scans in use, and older ones or other reconstructions of the same phantoms."""
    used = [s for s in (cylinder, spheres) if s is not None]
    who = {s.identity.patient_id for s in used}
    words = (*CYLINDER_WORDS, *SPHERE_WORDS)
    return [s for s in spects if s in used or (s.identity.patient_id in who and _says(s, words))]


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
    """The id of the measurement whose CT, scan or frame of reference the outlines refer to."""
    for name, pair in pairs.items():
        images = [s for s in (pair.scan, pair.ct) if s is not None]
        if any(s.series_uid in outlines.references for s in images):
            return name
    for name, pair in pairs.items():
        frames = {pair.scan.frame_of_reference} | (
            {pair.ct.frame_of_reference} if pair.ct else set()
        )
        if outlines.frame_of_reference in frames:
            return name
    return None
