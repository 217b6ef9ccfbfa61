"""One image to outline: its values, where it lies, and the headers that outlines refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom.dataset import Dataset

from quimby.core.grid import Image
from quimby.core.notes import Note, refusal
from quimby.measure.dicom import Series, read_ct, read_emission, survey
from quimby.measure.dicom.headers import open_file, tolerant
from quimby.measure.scans import Identity

KINDS = ("ct", "spect", "pet")


@dataclass(frozen=True, eq=False)
class Scanned:
    """An image that outlines are made on. `words` name it without the machine's folders."""

    image: Image
    kind: str  # "ct", "spect" or "pet"
    frame_of_reference: str
    series_uid: str
    study_uid: str
    identity: Identity
    words: str
    headers: tuple[Dataset, ...]
    notes: tuple[Note, ...]


def read_image(path: Path, *, kinds: Sequence[str] = KINDS) -> Scanned:
    """The one image of these kinds at a path: a file of it, or the folder that holds it.

    E-OUTLINE-IMAGE where there is none or more than one, and the readers' errors.
    """
    if not path.exists():
        raise refusal("E-STUDY-FILE", where="outline", path=path)
    series, files = _series(path.resolve(), kinds)
    reader = read_ct if series.kind == "ct" else read_emission
    found = reader(files)
    with tolerant():
        headers = tuple(open_file(f, pixels=False) for f in series.files)
    return Scanned(
        found.image, series.kind, found.frame_of_reference, found.series_uid, found.study_uid,
        found.identity, _words(series, found.acquired_at), headers, found.notes,
    )  # fmt: skip


def _series(path: Path, kinds: Sequence[str]) -> tuple[Series, tuple[Path, ...]]:
    seen = survey(path if path.is_dir() else path.parent)
    known = [s for s in seen.series if path.is_dir() or path in s.files]
    fit = [s for s in known if s.kind in kinds]
    if len(fit) != 1:
        wanted = " or ".join(kinds)
        lies = ", ".join(sorted(s.kind for s in known)) or "no DICOM image"
        problem = f"wanted is one series of {wanted}; here lies {lies}"
        raise refusal("E-OUTLINE-IMAGE", where=str(path), problem=problem)
    return fit[0], seen.files_for(fit[0])


def _words(series: Series, at: datetime | None) -> str:
    when = f" of {at:%Y-%m-%d %H:%M}" if at else ""
    said = f" {series.description!r}" if series.description else ""
    return f"{series.kind.upper()}{when}{said}, series {series.series_uid}"
