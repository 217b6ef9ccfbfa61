"""Outlines in the frame of reference of a SPECT that calls its CT's frame otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from quimby.core.errors import InputError
from quimby.core.notes import note
from quimby.core.outline import Outline
from quimby.study.document import Administration
from quimby.study.inputs import Visit, _reference, in_one_frame
from tests import test_local_rigid as organ
from tests.test_study_aligned import inputs


def given(on: str = "scan-1") -> Administration:
    whole = inputs().administration.model_dump(exclude_defaults=True)
    whole["outlines"] = {"paths": ["o.dcm"], "on": on}
    return Administration.model_validate(whole)


def visits(spect: str, ct: str, *, notes: tuple[Any, ...] = ()) -> tuple[Visit, ...]:
    first, second = inputs().visits
    assert first.ct is not None
    scan = replace(first.scan, frame_of_reference=spect, notes=notes)
    return replace(first, scan=scan, ct=replace(first.ct, frame_of_reference=ct)), second


def outline(frame: str, name: str = "Kidney_L") -> Outline:
    return Outline(name, frame, mask=organ.mask())


def test_an_outline_in_the_spects_own_frame_is_taken_over_and_said() -> None:
    of = visits("1.1", "1.2")
    found, notes = in_one_frame((outline("1.1"), outline("1.2", "Liver")), given(), of)
    assert [o.frame_of_reference for o in found] == ["1.2", "1.2"]
    (said,) = notes
    assert (said.code, said.where) == ("W-IMG-FRAMES", "Kidney_L")
    assert _reference(given(), of, found, None) == "scan-1"


def test_where_both_frames_are_one_nothing_is_said() -> None:
    drawn = (outline("1.2"),)
    assert in_one_frame(drawn, given(), visits("1.2", "1.2")) == (drawn, ())


@pytest.mark.parametrize("why", ["no geometry", "another frame", "another scan"])
def test_what_is_not_known_to_fit_stays_refused(why: str) -> None:
    silent = (note("S-DCM-GEOM", where="scan-1", missing="its position"),)
    of = visits("1.1", "1.2", notes=silent if why == "no geometry" else ())
    drawn = (outline("1.3" if why == "another frame" else "1.1"),)
    on = given("scan-2" if why == "another scan" else "scan-1")
    found, notes = in_one_frame(drawn, on, of)
    assert (found, notes) == (drawn, ())
    with pytest.raises(InputError, match="E-IMG-FOR"):
        _reference(on, of, found, None)
