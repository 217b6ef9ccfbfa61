"""Which planar files are the views of one moment: some cameras write one file a view or window."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.errors import QuimbyError
from quimby.measure.dicom.planar import read_planar
from quimby.measure.dicom.survey import Series
from quimby.measure.planar_scan import PlanarScan

Group = tuple[Series, ...]


def view_groups(series: Sequence[Series]) -> tuple[Group, ...]:
    """Planar series that show two opposite views, one file or several, in the order given.

    Files join where `read_planar` takes them together: one patient, study, kind, matrix and
    moment, no view of a window twice. Files that stay with one view are left out. One of several
    frames that cannot be read stays alone, so that reading it says why.
    """
    whole: list[Group] = []
    parts: list[list[Series]] = []
    for one in series:
        scan = _read((one,))
        if scan is None:
            whole += [(one,)] if one.frames > 1 else []
        elif len(scan.views) > 1:
            whole.append((one,))
        else:
            _put(one, parts)
    whole += [tuple(group) for group in parts if _two_views(group)]
    places = {id(one): n for n, one in enumerate(series)}
    return tuple(sorted(whole, key=lambda group: places[id(group[0])]))


def _put(one: Series, parts: list[list[Series]]) -> None:
    """Into the first group that it can be read with, else into one of its own."""
    for group in parts:
        if _read((*group, one)) is not None:
            group.append(one)
            return
    parts.append([one])


def _two_views(group: Sequence[Series]) -> bool:
    scan = _read(group)
    return scan is not None and len(scan.views) > 1


def _read(group: Sequence[Series]) -> PlanarScan | None:
    try:
        return read_planar([path for one in group for path in one.files])
    except QuimbyError:
        return None
