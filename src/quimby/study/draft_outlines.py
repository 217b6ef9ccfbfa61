"""The outlines of a draft: which set, on which image, what each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quimby import therapies
from quimby.core.errors import QuimbyError
from quimby.measure.dicom import Series, read_outlines
from quimby.study.draft_labels import Drawn, draft_labels
from quimby.study.draft_work import Work, series_of
from quimby.study.outlining.offer import three_ways
from quimby.study.sorting import Pair, common_path, outlined_scan

ALONE = "outlines-ct"
"""Name of a CT that belongs to no scan."""


def draft_outlines(work: Work, ids: Mapping[str, Pair]) -> dict[str, Any] | None:
    """The outlines drawn on one image; of several sets, the one with the most regions."""
    sets: dict[str, list[Drawn]] = draft_labels(work, ids)
    alone: dict[str, Series] = {}
    for series in work.parts.outlines:
        ct = None if (on := outlined_scan(series, ids)) else _ct_alone(work, series)
        if ct is not None:
            on, alone[ALONE] = ALONE, ct
        names = [outline.name for outline in read_outlines(series.files[0])]
        sets.setdefault(on or "", []).append((common_path(series.files, work.folder), names))
    if not sets:
        work.ask("outlines", **three_ways(work.folder, ids))
        return None
    on, drawn = max(sets.items(), key=lambda row: sum(len(names) for _, names in row[1]))
    if not on:
        work.ask("outlines_on")
    _each_drawn_once(work, drawn)
    names = list(dict.fromkeys(name for _, those in drawn for name in those))
    work.found.append(f"{len(names)} outlines on {_image(on, ids)}")
    work.found += [f"other outlines on {_image(o, ids)}, not used" for o in sets if o != on]
    meanings = {name: _meaning(work, name) for name in names}
    found: dict[str, Any] = {"paths": [path for path, _ in drawn], "on": on}
    if on in alone:
        work.taken.append(alone[on])
        found["ct"] = series_of(alone[on], work)
    elif on in ids and ids[on].ct is None:
        work.ask("masses", name=_first(meanings))
    return found | {"regions": {name: meaning for name, meaning in meanings.items() if meaning}}


def _ct_alone(work: Work, outlines: Series) -> Series | None:
    """The CT of no scan that the outlines were drawn on."""
    cts = [series for series, _ in work.parts.unused if series.kind == "ct"]
    named = [ct for ct in cts if ct.series_uid in outlines.references]
    framed = [ct for ct in cts if ct.frame_of_reference == outlines.frame_of_reference != ""]
    return next(iter((*named, *framed)), None)


def _image(on: str, ids: Mapping[str, Pair]) -> str:
    if on in ids and ids[on].ct is None:
        return f"{on} itself"
    return "a CT of their own" if on == ALONE else f"the CT of {on or '?'}"


def _each_drawn_once(work: Work, chosen: Sequence[tuple[str, list[str]]]) -> None:
    """Two files that draw the same region are versions; only a person knows which one counts."""
    drawn = [name for _, names in chosen for name in names]
    twice = {name for name in drawn if drawn.count(name) > 1}
    if twice:
        paths = [path for path, names in chosen if twice & set(names)]
        work.ask("outlines_twice", paths=" and ".join(paths), name=min(twice), first=paths[0])


def _meaning(work: Work, name: str) -> str:
    """The organ and side that an outline's name means; asked for when unknown."""
    try:
        found = therapies.organ(name)
    except QuimbyError:
        work.ask("region", name=name)
        return ""
    return f"{found.name} {found.side}".strip()


def _first(meanings: Mapping[str, str]) -> str:
    """The outline to make an example of: a kidney if there is one."""
    kidneys = [name for name, meaning in meanings.items() if meaning.startswith("kidney")]
    return next(iter((*kidneys, *meanings)), "Kidney_L")
