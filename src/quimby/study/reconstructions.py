"""Several reconstructions of one acquisition in a folder: which of them a draft takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quimby.measure.dicom import times
from quimby.measure.dicom.bed_groups import ALIKE, place_of, shared_share
from quimby.measure.dicom.headers import open_file, texts, tolerant
from quimby.measure.dicom.survey import Series

SAME = ("kind", "study_uid", "frame_of_reference", "manufacturer", "model", "nuclide")
SAME_S = 60.0  # [P] reconstructions of one acquisition say its moment, to the rounding of clocks
NEEDED = ("ATTN", "SCAT")  # a study wants both corrected, attenuation before scatter


@dataclass(frozen=True, slots=True)
class Chosen:
    """The series that go on, those left aside with the reason, and the ones only a person can
    choose between: by UID of the series that goes on, the others."""

    series: tuple[Series, ...]
    aside: tuple[tuple[Series, str], ...]
    rivals: dict[str, tuple[Series, ...]]


def one_of_each(scans: Sequence[Series]) -> Chosen:
    """One reconstruction of each acquisition: the one corrected for most.

    Of several that are corrected alike the first goes on, and the others are its rivals.
    Corrections are read only where two series could be of one acquisition.
    """
    groups: list[list[Series]] = []
    for one in scans:
        home = next((g for g in groups if _same_acquisition(g[0], one)), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    kept: list[Series] = []
    aside: list[tuple[Series, str]] = []
    rivals: dict[str, tuple[Series, ...]] = {}
    for group in groups:
        best = group if len(group) == 1 else _most_corrected(group)
        kept.append(best[0])
        aside += [(s, _why(best[0])) for s in group if s not in best]
        if len(best) > 1:
            rivals[best[0].series_uid] = tuple(best[1:])
            aside += [(s, f"another reconstruction of {best[0].description!r}") for s in best[1:]]
    return Chosen(tuple(kept), tuple(aside), rivals)


def _why(taken: Series) -> str:
    return f"the same acquisition as {taken.description!r}, which is corrected for more"


def _same_acquisition(one: Series, other: Series) -> bool:
    same = all(getattr(one, key) == getattr(other, key) for key in SAME)
    if not same or one.identity.patient_id != other.identity.patient_id:
        return False
    if one.acquired_at is None or other.acquired_at is None:
        return False
    if abs(times.rough(one.acquired_at) - times.rough(other.acquired_at)) > SAME_S:
        return False
    here, there = place_of(one), place_of(other)
    return here is not None and there is not None and shared_share(here, there) >= ALIKE


def _most_corrected(group: Sequence[Series]) -> list[Series]:
    """Those with the corrections that a study needs, as far as any of them says so."""
    said = {s.series_uid: _corrections(s) for s in group}
    best = list(group)
    for wanted in NEEDED:
        best = [s for s in best if wanted in said[s.series_uid]] or best
    return best


def _corrections(series: Series) -> tuple[str, ...]:
    with tolerant():
        return texts(open_file(series.files[0], pixels=False), "CorrectedImage")
