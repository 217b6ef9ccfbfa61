"""report.pdf of studies by readings: what a physician finds on each page, on one page one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from io import BytesIO

import pytest
from pypdf import PdfReader

from quimby.core.uncertain import Uncertain
from quimby.report import pdf
from quimby.report import rounding as say
from quimby.report.figures import curves
from quimby.report.figures.style import series
from quimby.study.result import Result
from tests.sample_result import sample_result
from tests.sample_stages import (
    bare_result,
    crowded,
    drawn,
    dtc_result,
    mibg_result,
    thyroid_result,
)


def read(data: bytes) -> list[str]:
    found = [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(data)).pages]
    return [t.replace("\u00a0", " ").replace("’", "'") for t in found]


@cache
def thyroid() -> list[str]:
    return read(pdf.pdf(thyroid_result(), drawn(thyroid_result())))


@cache
def dtc() -> list[str]:
    return read(pdf.pdf(dtc_result(), drawn(dtc_result())))


@cache
def mibg() -> list[str]:
    return read(pdf.pdf(mibg_result(), drawn(mibg_result())))


def holds(page: str, *texts: str) -> None:
    for text in texts:
        assert text in page, text


def test_the_thyroid_report_has_three_pages_and_the_others_four() -> None:
    assert [len(x) for x in (thyroid(), dtc(), mibg())] == [3, 4, 4]
    for pages in (dtc(), mibg()):
        titles = ("Curves and doses", "Readings and uncertainty", "Methods, notes and trace")
        for page, title in zip(pages[1:], titles, strict=True):
            assert page.startswith(title)


@pytest.mark.parametrize("pages", [thyroid, dtc, mibg])
def test_page_one_says_what_every_page_one_says(pages) -> None:  # type: ignore[no-untyped-def]
    holds(pages()[0], "Not yet signed.", "1 thing blocks signing", "EXAMPLE · INVENTED DATA",
          "Proposal for the physician, not a prescription.", "Asked before",
          "Not yet verified at this centre", "Physician's conclusion", "Notes that matter",
          "Readings and mass checked", "— awaiting signature —",
          "Quimby calculates; it does not decide.")  # fmt: skip
    for number, page in enumerate(pages(), start=1):
        holds(page, f"Page {number} of {len(pages())}", "result ", "EXAMPLE")


def test_the_thyroid_page_gives_activity_dose_mass_uptake_and_what_is_beside() -> None:
    plan = thyroid_result().plan
    assert plan is not None
    value, u = say.value_and_u(plan.dose_gy)
    holds(thyroid()[0], f"Activity proposed: {plan.proposed_mbq:.0f} MBq",
          f"for {value} ± {u} Gy to the thyroid ({say.interval(plan.dose_gy)} Gy, k = 2)",
          "in steps of 37 MBq", "site limit 1.00 GBq", "aim 150 Gy", "right lobe", "ellipsoid π/6",
          "Marinelli", "Planned against measured", "foretold for the activity given",
          "largest uptake", "T½ eff", "Open: breast-feeding", "Caution: antithyroid drugs",
          "The mass (ultrasound volume) is the largest part of the doubt")  # fmt: skip


def test_before_the_therapy_the_thyroid_page_says_what_to_give_and_compares_nothing() -> None:
    result = thyroid_result(therapy=False)
    page = read(pdf.pdf(result, drawn(result)))[0]
    holds(page, "Activity to give: 296 MBq", "Give as proposed")
    assert "Planned against measured" not in page
    assert "measured" not in page.replace("Measured", "")


def test_readings_stand_as_written_and_as_used() -> None:
    result = thyroid_result()
    page = thyroid()[1]
    for point in (p for s in result.stages for x in s.series for p in x.points):
        holds(page, f"neck {point.written['neck']}", f"standard {point.written['standard']}",
              say.plus_minus(point.value.scaled(100)))  # fmt: skip


def test_the_cancer_page_names_the_largest_activity_the_term_and_the_one_thought_of() -> None:
    plan = dtc_result().plan
    assert plan is not None
    assert plan.thought_of_gy is not None
    value, u, unit = say.activity(plan.activity_mbq)
    holds(dtc()[0], f"Largest tolerable activity: {value} ± {u} {unit}",
          "limiting term: blood dose 2 Gy",
          "the upper 95 % stays within every limit", "The activity considered, 7.40 GBq",
          f"{say.plus_minus(plan.thought_of_gy, 'Gy')} to the blood", "retention at 48 h",
          "Blood, dose per activity", "Jentzen 2015", "Blood dose measured")  # fmt: skip
    holds(dtc()[1], "Whole body, tracer", "Blood, therapy", "With nothing but decay after the last")
    holds(dtc()[2], "tube B1", "front 2.729 µSv/h", "What the doubt is made of")


def test_where_the_retention_limits_the_page_says_so() -> None:
    holds(read(pdf.pdf(dtc_result(therapy=False, slow=0.75)))[0],
          "limiting term: 48 h retention 4.44 GBq", "What each limit allows")  # fmt: skip


def test_the_mibg_page_has_both_stages_the_aim_and_what_was_foretold() -> None:
    result = mibg_result()
    first = result.stages[0].doses[0].dose_gy
    holds(mibg()[0], f"Stage 1 gave {say.plus_minus(first, 'Gy')} to the whole body",
          "8.70 GBq for 4 Gy with both", "Expected of both stages", "stem cells stored",
          "Whole-body dose, both stages", "times what was predicted",
          "Whole body dose by stage against the aim of 4 Gy")  # fmt: skip
    holds(mibg()[2], "After voiding", "yes", "no")


def test_an_aim_that_is_reached_proposes_nothing() -> None:
    result = mibg_result(second=False)
    assert result.plan is not None
    none = replace(result.plan, proposed_mbq=0.0, dose_gy=Uncertain(0.0))
    page = read(pdf.pdf(replace(result, plan=none), drawn(result)))[0]
    holds(page, "4 Gy is reached, nothing is left to give", "none")
    assert "Expected of both" not in page


def test_an_activity_above_the_sites_limit_is_said_in_words() -> None:
    result = thyroid_result(therapy=False)
    assert result.plan is not None
    over = replace(result, plan=replace(result.plan, site_limit_mbq=250.0))
    page = read(pdf.pdf(over, drawn(result)))[0]
    holds(page, "ABOVE the site limit of 250 MBq", "above the site's limit of 250 MBq")


@pytest.mark.parametrize(
    "result",
    [bare_result(), thyroid_result(plan=False, therapy=False), dtc_result(plan=False),
     mibg_result(plan=False, second=False)],
)  # fmt: skip
def test_without_a_plan_the_page_says_less_and_leaves_no_hole(result: Result) -> None:
    pages = read(pdf.pdf(result, drawn(result)))
    holds(pages[0], "Absorbed dose report", "No activity is proposed.", "Thyroid" if
          result.nuclide == "I-131" and "thyroid disease" in result.therapy else "Whole body",
          "— awaiting signature —")  # fmt: skip
    for text in ("Asked before", "Planned against measured", "Proposal", "not known GBq", "None"):
        assert text not in pages[0]
    assert pages[1].startswith("Curves and doses")


@pytest.mark.parametrize("result", [thyroid_result(), dtc_result(), mibg_result()])
def test_long_names_and_many_notes_leave_page_one_one_page(result: Result) -> None:
    pages = read(pdf.pdf(crowded(result), drawn(result)))
    holds(pages[0], "EXAMPLE-VON-UND-ZU-LANGENNAMEN", "4 of 12", "— awaiting signature —",
          "Your centre checks it before clinical use.")  # fmt: skip
    assert pages[1].startswith("Curves and doses")
    assert all(f"Number {i}:" in "".join(pages) for i in range(12))


def test_nothing_stands_outside_the_paper() -> None:
    for page in PdfReader(BytesIO(pdf.pdf(crowded(dtc_result()), drawn(dtc_result())))).pages:
        right, top = float(page.mediabox.right), float(page.mediabox.top)
        places: list[tuple[float, float]] = []

        def seen(text, _cm, matrix, _font, _size, places=places):  # type: ignore[no-untyped-def]
            if text.strip():
                places.append((matrix[4], matrix[5]))

        page.extract_text(visitor_text=seen)
        assert places
        assert all(0 <= x <= right and 0 <= y <= top for x, y in places)


def test_scans_beside_readings_keep_their_pages() -> None:
    kidney = sample_result(pictures=False).regions[0]
    both = replace(mibg_result(), regions=(kidney,))
    panel = curves.curve_panel(kidney, series(["x"])["x"], curves.shared_limits([kidney]))
    pages = read(pdf.pdf(both, [*drawn(mibg_result()), panel]))
    holds(pages[0], "Stage 1 gave", "By scans: Kidney L: 3.51")
    assert any(p.startswith("Curves Open marks") for p in pages)
    assert any("Kidney L" in p and "D98" in p for p in pages)


def test_the_same_result_gives_the_same_bytes_and_markup_stays_text() -> None:
    sly = '#panic("x") $x^2$ *bold* @ref'
    result = replace(thyroid_result(therapy=False), centre=sly)
    figures = drawn(thyroid_result(therapy=False))
    first = pdf.pdf(result, figures)
    assert first == pdf.pdf(result, figures)
    assert "$x^2$ *bold* @ref" in read(first)[0]


def test_no_effective_dose_is_printed() -> None:
    for page in (*thyroid(), *dtc(), *mibg()):
        assert "effective dose" not in page.lower()
        assert " mSv" not in page
