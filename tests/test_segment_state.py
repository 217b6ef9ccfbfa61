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
from quimby.study.outline_state import (
    changed_notes,
    content_digest,
    judged,
    state_notes,
    state_rows,
)

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


# An approval is of what was looked at


def square(x_mm: float = 0.0, *, name: str = "Liver", start: int = 0) -> Outline:
    corners = np.array([[x_mm, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]], dtype=float)
    lower = corners + np.array([0, 0, 3.0])
    return Outline(name, "1", contours=(corners, lower)[:: 1 if not start else -1])


def signed(state: Any, day: int, **of: Outline) -> Review:
    digest = {name: content_digest(o) for name, o in of.items()}
    return review(state, day).model_copy(update={"digest": digest})


def test_a_review_counts_only_for_the_points_that_were_looked_at() -> None:
    row = signed("approved", 3, Liver=square())
    (same,) = judged([square()], [row], zone=None, where="a")
    (other,) = judged([square(0.5)], [row], zone=None, where="a")
    assert (same.status, other.status) == ("approved", "draft")
    assert other.judged == ("draft; approved by Dr A, 2026-03-03T09:00+00:00, does not count: "
                            "changed since")  # fmt: skip
    assert changed_notes([square()], [row]) == ()
    (said,) = changed_notes([square(0.5)], [row])
    assert (said.code, said.where) == ("W-OUTLINE-CHANGED", "Liver")
    assert "not the one that Dr A approved" in said.text


def test_an_outline_that_came_after_the_review_was_not_looked_at() -> None:
    row = signed("approved", 3, Liver=square())
    found = judged([square(), square(name="Spleen")], [row], zone=None, where="a")
    assert [o.status for o in found] == ["approved", "draft"]
    assert [n.where for n in changed_notes(found, [row])] == ["Spleen"]


def test_an_earlier_review_of_these_points_still_counts() -> None:
    rows = [signed("reviewed", 2, Liver=square()), signed("approved", 3, Liver=square(0.5))]
    (found,) = judged([square()], rows, zone=None, where="a")
    assert found.status == "reviewed"


def test_without_a_digest_a_review_is_of_whatever_is_there() -> None:
    (found,) = judged([square(7.0)], [review("approved", 3)], zone=None, where="a")
    assert found.status == "approved"


def test_the_digest_is_of_the_content_and_of_nothing_else() -> None:
    assert content_digest(square()) == content_digest(square(name="X", start=1))
    assert content_digest(square(0.001)) == content_digest(square())
    assert content_digest(square(0.01)) != content_digest(square())
    mask = outline("Liver")
    moved = Image(Grid((2, 2, 2), np.diag([1, 1, 2.0, 1])), np.ones((2, 2, 2)), "1")
    less = Image(MASK.grid, np.array([1.0] * 7 + [0.5]).reshape(2, 2, 2), "1")
    digests = {content_digest(Outline("Liver", "1", mask=m)) for m in (moved, less)}
    assert content_digest(mask) == content_digest(outline("Spleen", machine=True))
    assert len(digests | {content_digest(mask)}) == 3
