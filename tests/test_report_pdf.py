"""report.pdf: what stands on it, that page one stays one page, and that texts stay texts."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from quimby.core.notes import Note
from quimby.core.uncertain import Uncertain
from quimby.report import lettering, pdf, summary, tables, words
from quimby.report.figures.style import Figure
from quimby.study.result import RegionResult, Result
from tests.sample_result import LIMIT_KIDNEY, sample_figures, sample_pdf, sample_result


def pages(data: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(data)).pages]


def quick(result: Result) -> list[str]:
    """Pages of a result without pictures, on figures drawn before."""
    slim = tuple(f for f in sample_figures() if not f.name.startswith("curve_"))
    return pages(pdf.pdf(result, [*slim, *curve_figures(result)]))


def curve_figures(result: Result) -> list[Figure]:
    """A stand-in curve for each region: the layout is looked at, not the curve."""
    one = next(f for f in sample_figures() if f.name == "curve_kidney_l")
    panels = [p["figure"] for p in pdf.view(result, ())["curve_panels"]]
    return [replace(one, name=name) for name in panels]


@pytest.fixture(scope="module")
def printed() -> list[str]:
    return pages(sample_pdf())


def test_the_pages_come_in_their_order(printed: list[str]) -> None:
    titles = [
        "Absorbed dose report",
        "Curves",
        "Scans and outlines",
        "Absorbed dose",
        "Uncertainty and intermediate results",
        "Notes",
    ]
    assert len(printed) == 6
    for title, page in zip(titles, printed, strict=True):
        assert page.startswith(title), title
    assert "Methods, devices and trace" in printed[5]  # on the same page: the notes are short


def test_every_page_has_patient_digests_and_its_number(printed: list[str]) -> None:
    for number, page in enumerate(printed, start=1):
        assert f"Page {number} of {len(printed)}" in page
        assert "EXAMPLE, Anna · 0000-1234" in page
        assert "result " in page


def test_page_one_says_what_the_physician_needs(printed: list[str]) -> None:
    one = printed[0]
    for words_ in (
        "Not yet signed.", "1 thing blocks signing", "Do not act on it until signed.",
        "EXAMPLE · INVENTED DATA", "cycle 2 of 4", "Kidneys: 3.42 ± 0.36 Gy this cycle",
        "30 % of this centre's limit of 23 Gy", "No limit is reached.",
        "the chance of passing the limit is below 0.1 %", "Not yet verified at this centre",
        "Physician's conclusion", "Continue as planned", "— awaiting signature —",
        "Quimby calculates; it does not decide.", "S-CAL-EXPIRED", "4 of 9",
    ):  # fmt: skip
        assert words_ in one.replace("’", "'"), words_


def test_what_rests_on_an_unverified_constant_carries_a_dagger(printed: list[str]) -> None:
    assert "28 Gy †" in printed[0].replace("\u00a0", " ")
    assert "23 Gy †" not in printed[0].replace("\u00a0", " ")
    assert "kidney α/β †" in printed[5]


def test_the_pdf_is_archivable_tagged_and_named() -> None:
    reader = PdfReader(BytesIO(sample_pdf()))
    root: Any = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_data()
    assert b"<pdfaid:part>2</pdfaid:part>" in xmp
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert b"<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert reader.metadata is not None
    assert str(reader.metadata.title).startswith("Absorbed dose report")


def test_only_our_fonts_are_in_it() -> None:
    names = set()
    for page in PdfReader(BytesIO(sample_pdf())).pages:
        resources: Any = page["/Resources"]
        names |= {str(f["/BaseFont"]) for f in resources.get("/Font", {}).values()}
    assert names
    assert all("Inter" in n or "DejaVu" in n for n in names), names


def test_the_same_result_gives_the_same_bytes() -> None:
    assert pdf.pdf(sample_result(), sample_figures()) == sample_pdf()


SLY = '#panic("x") $x^2$ *bold* _it_ \\ @ref <label> // no `raw` [b] "q" = head'


def test_a_text_with_markup_in_it_is_printed_as_it_stands() -> None:
    result = sample_result(pictures=False)
    sly = replace(
        result,
        centre=SLY,
        patient=replace(result.patient, indication=SLY),
        regions=(replace(result.regions[0], name="#L*k$"), *result.regions[1:]),
        notes=(Note("W-X", SLY, SLY, SLY),),
    )
    found = quick(sly)
    plain = SLY.replace('"', "").replace(" ", "")
    assert plain in found[0].replace(" ", "").replace('"', "").replace("“", "").replace("”", "")
    assert any("#L*k$" in page for page in found)


def test_letters_that_no_font_holds_become_boxes_and_the_rest_stays() -> None:
    result = sample_result(pictures=False)
    named = replace(result, patient=replace(result.patient, name="Ωλ Žofia 山田"))
    assert "Ωλ Žofia □□" in quick(named)[0]
    assert lettering.drawable("±−†‡½¹²³⁷αβµ≤→σχ°–—…") == "±−†‡½¹²³⁷αβµ≤→σχ°–—…"


def test_seven_lesions_leave_page_one_one_page_and_stand_on_page_two() -> None:
    found = quick(sample_result(lesions=7, pictures=False))
    assert "— awaiting signature —" in found[0]
    assert "1 more lesion on page 2" in found[0]
    assert "Lesion 7" in found[1]
    assert found[1].startswith("Curves")


def test_long_texts_do_not_push_the_signatures_to_page_two() -> None:
    result = sample_result(lesions=7, pictures=False)
    long = "a sentence that goes on and on about what was seen and what it means " * 5
    notes = tuple(Note(f"W-X{i}", long, long, long) for i in range(8))
    found = quick(replace(result, notes=notes, therapy=long[:90]))
    assert "— awaiting signature —" in found[0]
    assert "Quimby calculates" in found[0]
    assert found[1].startswith("Curves")


def test_no_unverified_constant_no_box() -> None:
    result = sample_result(pictures=False)
    clean = tuple(replace(c, tag="V") for c in result.trace.constants)

    def checked(region: RegionResult) -> RegionResult:
        return replace(region, limits=(), population=())

    sure = replace(
        result,
        trace=replace(result.trace, constants=clean),
        regions=tuple(checked(r) for r in result.regions),
        combined=tuple(checked(r) for r in result.combined),
    )
    assert summary.unverified_box(sure) is None
    found = quick(sure)
    assert "Not yet verified" not in found[0]
    assert "No limit is set" in found[0]


def test_a_reached_limit_says_so_in_words() -> None:
    result = sample_result(pictures=False)
    pair = result.combined[0]
    total = Uncertain(24.1, {"outline": 2.35})
    check = replace(pair.limits[0], total_gy=total, probability_above=0.68, constant=LIMIT_KIDNEY)
    over = replace(result, combined=(replace(pair, total_dose_gy=total, limits=(check,)),))
    one = quick(over)[0]
    assert one.count("LIMIT REACHED") == 2  # in the conclusion and in the table
    assert "105 % of" in one.replace("\u00a0", " ")
    assert "No limit is reached" not in one


def test_near_a_limit_the_chance_of_being_above_is_said() -> None:
    result = sample_result(pictures=False)
    pair = result.combined[0]
    total = Uncertain(21.0, {"outline": 2.0})
    check = replace(pair.limits[0], total_gy=total, probability_above=0.159)
    near = replace(result, combined=(replace(pair, limits=(check,)),), cycles_planned=None)
    bold, rest = words.conclusion(near)
    assert bold.startswith("Kidneys: 3.42 ± 0.36 Gy this cycle, 21.0 ± 2.0 Gy in total")
    assert rest[0].endswith("Chance of being above: 16 %.")


def test_without_a_planned_number_of_cycles_nothing_is_forecast() -> None:
    result = replace(sample_result(pictures=False), cycles_planned=None)
    assert not any("repeat" in s for s in words.conclusion(result)[1])


def test_a_bare_result_still_prints() -> None:
    """One region, no curve, no notes, no limits, nothing known of the patient but an ID."""
    result = sample_result(pictures=False)
    lone = replace(result.regions[3], curve=None, dvh=None, population=(), recovery=())
    bare = replace(
        result, regions=(lone,), combined=(), notes=(), exposures=(), registrations=(),
        patient=replace(result.patient, name="", birth_date="", sex="", weight_kg=None,
                        indication="", renal_function=""),
        prescribed_mbq=None, cycles_planned=None, report_number="", centre="", example=False,
    )  # fmt: skip
    found = pages(pdf.pdf(bare))
    assert "Spleen: 5.24 ± 0.59 Gy this cycle." in found[0]
    assert "not stated" in found[0]
    assert "INVENTED" not in found[0]


def test_no_effective_dose_is_printed(printed: list[str]) -> None:
    assert not any(" Sv" in page or "effective dose" in page.lower() for page in printed)


def test_isotopes_are_raised() -> None:
    assert words.superscripted("[177Lu]Lu-DOTATATE") == "[¹⁷⁷Lu]Lu-DOTATATE"
    assert words.superscripted("cycle 2 of 4") == "cycle 2 of 4"


def test_underscores_of_outline_names_are_not_printed_but_paths_keep_theirs() -> None:
    result = sample_result(pictures=False)
    raw = replace(result.regions[0], name="Kidney_L")
    pair = replace(result.combined[0], members=("Kidney_L", "Kidney R"))
    note = Note("W-X", "Something is odd.", "Kidney_L", "look")
    inputs = (replace(result.trace.inputs[0], path="tp1/Kidney_L.dcm"),)
    named = replace(
        result,
        regions=(raw, *result.regions[1:]),
        combined=(pair,),
        notes=(note,),
        trace=replace(result.trace, inputs=inputs),
    )
    found = quick(named)
    assert "Kidney L. Look." in found[0]
    assert not any("Kidney_L" in page for page in found[:-1])
    assert "tp1/Kidney_L.dcm" in found[-1]


def test_bed_stands_on_page_one_only_with_a_limit_and_always_behind(printed: list[str]) -> None:
    assert "Kidneys, BED" in printed[0]
    assert "BED and EQD2" in printed[4]
    result = sample_result(pictures=False)
    free = replace(result.combined[0], limits=result.combined[0].limits[:1])
    rows = summary.table(replace(result, combined=(free,)))["rows"]
    assert not any("BED" in row["name"] for row in rows)


def test_the_reference_scan_is_not_compared_with_itself() -> None:
    result = sample_result(pictures=False)
    own = replace(result.registrations[0], measurement="scan-2", reference="scan-2")
    table = pdf.view(replace(result, registrations=(*result.registrations, own)), ())
    assert len(table["tables"]["registrations"]["rows"]) == 3


def test_planar_scans_beside_one_spect_ct_are_counted_apart() -> None:
    result = sample_result(pictures=False)
    one = result.measurements[0]
    planar = tuple(replace(one, id=f"planar-{n}", kind="planar") for n in range(4))
    both = replace(result, measurements=(*planar, one))
    assert words.measured(both) == "four planar scans and one SPECT/CT"
    assert words.measured(replace(result, measurements=planar[:1])) == "one planar scan"
    assert words.measured(result) == "four SPECT/CT"


def test_outlines_made_alike_are_one_row_of_the_methods() -> None:
    result = sample_result(pictures=False)
    made = (("mass", "CT"), ("outline Liver", "draft"), ("outline Kidney L", "draft"),
            ("outline Spleen", "reviewed"), ("outlines", "occupancy"))  # fmt: skip
    table = tables.methods(replace(result, trace=replace(result.trace, methods=made)))
    assert table["rows"] == [["mass", "CT"], ["outlines Liver, Kidney L", "draft"],
                             ["outline Spleen", "reviewed"], ["outlines", "occupancy"]]  # fmt: skip


def test_a_number_keeps_its_unit_on_its_line_and_isotopes_are_raised_anywhere() -> None:
    nb = "\u00a0"
    assert lettering.unbroken("3.4 ± 0.4 Gy (limit 20 %, k = 2), 5 gates") == (
        f"3.4{nb}±{nb}0.4{nb}Gy (limit 20{nb}%, k{nb}={nb}2), 5 gates"
    )
    assert lettering.raised("177Lu-DOTATATE, 131I for; 124I tracer") == (
        "¹⁷⁷Lu-DOTATATE, ¹³¹I for; ¹²⁴I tracer"
    )
    assert lettering.raised("SPECT1 10Items a177Lu 12.131I") == "SPECT1 10Items a177Lu 12.131I"
    rows = lettering.each_text({"rows": (("25 %", "x"),)}, lettering.unbroken)
    assert rows == {"rows": [[f"25{nb}%", "x"]]}


def test_a_short_table_is_not_cut_by_the_end_of_a_page() -> None:
    """Every heading of a table stands on the page of the table's last row."""
    for found in (pages(sample_pdf()), quick(sample_result(lesions=7, pictures=False))):
        for heading, last in (("BED and EQD2", "BED total, Gy"), ("Digests (SHA-256)", "result")):
            page = next(p for p in found if heading in p)
            assert last in page.split(heading)[1]


def test_too_few_scans_to_judge_a_fit_is_said() -> None:
    result = sample_result(pictures=False)
    region = result.regions[0]
    assert region.curve is not None
    bare = replace(region, curve=replace(region.curve, degrees_of_freedom=0, alternatives=()))
    found = tables.curve_words(bare)
    assert found["fit"] == "Fit not judged (0 d.f.)."
    assert found["alternatives"] == "No other model was tried."
