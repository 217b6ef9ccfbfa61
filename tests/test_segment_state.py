"""The state of outlines: who looked at them, and what blocks a signature."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image
from quimby.core.outline import Outline
from quimby.measure.dicom.rtstruct import _machine
from quimby.study.document import Review, parse_study
from quimby.study.outline_state import judged, state_notes, state_rows

MASK = Image(Grid((2, 2, 2), np.eye(4)), np.ones((2, 2, 2)), "1")


def outline(name: str, *, machine: bool | None = None, status: str = "draft") -> Outline:
    return Outline(name, "1", mask=MASK, machine=machine, status=status)


def review(state: Any, day: int, by: str = "Dr A", regions: tuple[str, ...] = ()) -> Review:
    at = datetime(2026, 3, day, 9, 0, tzinfo=UTC)
    return Review(state=state, by=by, at=at, regions=list(regions))


def codes(*outlines: Outline) -> list[str]:
    return [n.code for n in state_notes(outlines)]


def test_an_outline_by_a_program_blocks_until_it_is_approved() -> None:
    made = outline("Kidney_L", machine=True)
    assert codes(made) == ["S-OUTLINE-DRAFT"]
    (seen,) = judged([made], [review("reviewed", 2)], zone=None, where="a")
    assert codes(seen) == ["S-OUTLINE-DRAFT"]
    (done,) = judged([made], [review("reviewed", 2), review("approved", 3)], zone=None, where="a")
    assert codes(done) == []


def test_an_outline_by_hand_that_nobody_reviewed_is_noted_and_blocks_nothing() -> None:
    assert codes(outline("Liver", machine=False)) == ["I-OUTLINE-STATE"]
    assert codes(outline("Liver")) == ["I-OUTLINE-STATE"]
    assert codes(outline("Liver", status="approved")) == []
    (seen,) = judged([outline("Liver")], [review("reviewed", 2)], zone=None, where="a")
    assert codes(seen) == []


def test_the_latest_review_counts_whatever_the_order_of_the_document() -> None:
    rows = [review("approved", 5, "Dr B"), review("reviewed", 2)]
    (found,) = judged([outline("Liver")], rows, zone=None, where="a")
    assert found.status == "approved"
    assert found.judged == "approved by Dr B, 2026-03-05T09:00+00:00"


def test_a_review_of_some_regions_leaves_the_others() -> None:
    rows = [review("approved", 2, regions=("A",))]
    a, b = judged([outline("A", machine=True), outline("B", machine=True)], rows, zone=None,
                  where="a")  # fmt: skip
    assert (a.status, b.status) == ("approved", "draft")
    assert [n.where for n in state_notes([a, b])] == ["B"]


def test_a_file_that_says_approved_stays_so() -> None:
    (found,) = judged([outline("A", status="approved")], [], zone=None, where="a")
    assert found.status == "approved"


def test_a_review_of_a_region_that_is_not_there_is_refused() -> None:
    with pytest.raises(QuimbyError, match="no outline is called 'Spleen'"):
        judged([outline("A")], [review("approved", 2, regions=("Spleen",))], zone=None, where="a")


def test_a_review_needs_a_zone_for_its_time() -> None:
    naive = Review(state="approved", by="Dr A", at=datetime(2026, 3, 2, 9, 0))
    with pytest.raises(QuimbyError, match="E-TIME-ZONE"):
        judged([outline("A")], [naive], zone=None, where="a")
    (found,) = judged([outline("A")], [naive], zone="Europe/Berlin", where="a")
    assert found.judged.endswith("+01:00")


def test_the_trace_says_who_answers_for_each_outline() -> None:
    (found,) = judged([outline("A", machine=True)], [review("approved", 2)], zone=None, where="a")
    assert state_rows([found]) == (
        ("outline A", "approved by Dr A, 2026-03-02T09:00+00:00; made by a program"),
    )


def document(**told: Any) -> dict[str, Any]:
    outlines = {"paths": ["RT.dcm"], "on": "scan-1", "review": [told]}
    given = {"id": "c1", "nuclide": "Lu-177", "outlines": outlines}
    return {"format": "quimby-study/1", "id": "s", "therapy": "t", "protocol": "p",
            "patient": {"id": "x"}, "administrations": [given]}  # fmt: skip


def test_the_study_document_holds_reviews() -> None:
    study = parse_study(document(state="approved", by="Dr A", at="2026-03-02T09:00:00+01:00"),
                        where="s")  # fmt: skip
    outlines = study.administrations[0].outlines
    assert outlines is not None
    assert outlines.review[0].by == "Dr A"


@pytest.mark.parametrize(
    ("told", "says"),
    [({"state": "signed", "by": "Dr A", "at": "2026-03-02T09:00:00Z"}, "review.0.state"),
     ({"state": "approved", "by": "", "at": "2026-03-02T09:00:00Z"}, "review.0.by"),
     ({"state": "approved", "by": "Dr A"}, "review.0.at")],
)  # fmt: skip
def test_a_review_without_name_or_time_is_refused(told: dict[str, Any], says: str) -> None:
    with pytest.raises(QuimbyError, match="E-STUDY-KEY") as caught:
        parse_study(document(**told), where="s")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("how", "machine"),
    [("AUTOMATIC", True), ("MANUAL", False), ("SEMIAUTOMATIC", False), ("", None)],
)
def test_a_structure_set_says_whether_a_program_drew_it(how: str, machine: bool | None) -> None:
    named = Dataset()
    named.ROIGenerationAlgorithm = how
    assert _machine(named) is machine
