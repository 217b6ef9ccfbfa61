"""The certificate: one page, not signed, every number with its doubt, the same bytes again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from math import hypot
from pathlib import Path

import pytest
from pypdf import PdfReader

from quimby.core.errors import QuimbyError
from quimby.core.notes import note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.report import certificate as page
from quimby.report.figures.commissioning import flood_plots, rates_plots
from quimby.report.figures.devices import Plot
from quimby.study.commissioning.certificate import Certificate, Check, Quantity, Table, at_most
from quimby.study.commissioning.flood import measure_uniformity
from quimby.study.commissioning.rates import measure_rates, read_series
from quimby.study.files import Shelf
from quimby.study.result import InputFile
from tests.conftest import shared_path

FACTOR = Uncertain(9.36, {"assay": 0.187, "counts, calibration": 0.01})


def sample() -> Certificate:
    return Certificate(
        kind="spect-cylinder", title="Calibration factor from a cylinder", subtitle="Lu-177",
        device=(("Camera", "MAKER Two-Head"), ("Serial number", "17")), how="As usual.",
        results=(Quantity("Calibration factor", FACTOR, "cps/MBq"),),
        measured_at=datetime(2026, 1, 19, 11, 5, tzinfo=UTC),
        inputs=(InputFile("cylinder", "cylinder/SPECT.dcm", 1, "ab" * 32),),
        tables=(Table("Counted", ("Of", "Found"), (("Time", "2400 s"),)),),
        checks=(at_most("Profile flat", 0.004, 0.05),),
        constants=(Constant("half-life of Lu-177", 159.528, "h", "a table", "V"),),
        valid_until=date(2027, 1, 19), operator="K. Lind",
    )  # fmt: skip


def printed(made: Certificate, *plots: Plot) -> list[str]:
    """The text of each page."""
    data = page.contents(made, plots, centre="North Hospital")["certificate.pdf"]
    return [" ".join(p.extract_text().split()) for p in PdfReader(BytesIO(data)).pages]


def test_it_says_what_was_found_with_doubt_grounds_and_that_nobody_signed() -> None:
    (text,) = printed(sample())

    for words in (
        "Calibration factor from a cylinder", "North Hospital", "19 Jan 2026, 11:05", "Not signed.",
        "MAKER Two-Head", "9.36 ± 0.19 cps/MBq", "95 % interval (k = 2): 8.99–9.73", "assay",
        "Profile flat", "0.4 %", "at most 5.0 %", "1 of 1 passed", "half-life of Lu-177",
        "Measured by K. Lind", "awaiting signature", "until 19 January 2027", "cylinder/SPECT.dcm",
        "Quimby calculates; it does not decide",
    ):  # fmt: skip
        assert words in text, words
    assert "ab" * 32 in text.replace("\u200b", "").replace(" ", "")


def test_the_same_measurement_gives_the_same_bytes_and_another_gives_others() -> None:
    one, again = page.contents(sample()), page.contents(sample())
    other = page.contents(replace(sample(), operator="A. Nother"))

    assert one == again
    assert one["certificate.pdf"] != other["certificate.pdf"]
    assert one["certificate.json"] != other["certificate.json"]


def test_the_document_has_every_number_unrounded_with_its_budget() -> None:
    found = json.loads(page.document(sample()))

    (result,) = found["results"]
    assert (found["schema"], found["signed"]) == ("quimby.certificate", False)
    assert result["value"] == 9.36
    assert hypot(*result["budget"].values()) == pytest.approx(result["u"])
    assert found["inputs"][0]["sha256"] == "ab" * 32
    assert found["constants"][0]["tag"] == "V"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "passed"),
        ({"notes": (note("W-CAL-PEAK", where="x"),)}, "warning"),
        ({"notes": (note("S-CAL-DRIFT", where="x", value=0.2, limit=0.1),)}, "failed"),
        ({"checks": (Check("a", "b", "c", passed=False),)}, "failed"),
        ({"notes": (note("I-CAL-GENERIC", where="x", value=0.1),)}, "passed"),
    ],
)
def test_the_verdict_follows_checks_and_notes(changes: dict[str, object], verdict: str) -> None:
    made = replace(sample(), **changes)  # type: ignore[arg-type]

    assert made.verdict == verdict
    assert page.STATES[verdict] in printed(made)[0]


def test_long_texts_and_foreign_letters_stay_on_the_page_as_text() -> None:
    rows = tuple((f"row {n}", "#strong[x] $y$") for n in range(40))
    notes = tuple(note("W-CAL-UNKNOWN", where=f"scan {n}", what="very much " * 12)
                  for n in range(9))  # fmt: skip
    made = replace(sample(), how="Long words. " * 60, operator="李 雷 #1", notes=notes,
                   tables=(Table("Many", ("Of", "Found"), rows),))  # fmt: skip

    text = printed(made)

    assert len(text) == 1
    assert "#strong[x] $y$" in text[0]
    assert "3 more notes are in the JSON document" in text[0]


def test_a_result_without_doubt_prints_none() -> None:
    made = replace(sample(), results=(Quantity("integral", Uncertain(2.38), "%"),))

    (text,) = printed(made)

    assert "2.38 %" in text
    assert "not known" not in text


def test_a_page_alone_or_a_folder_with_all(tmp_path: Path) -> None:
    page.write(sample(), (), tmp_path / "deep" / "one.pdf")
    page.write(sample(), (), tmp_path / "out", more={"camera.toml": b"x"})
    page.write(sample(), (), tmp_path / "out")  # a former certificate is replaced whole

    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["one.pdf"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "certificate.json", "certificate.pdf"]  # fmt: skip
    (tmp_path / "out" / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(QuimbyError, match="E-OUT-EXISTS"):
        page.write(sample(), (), tmp_path / "out")


def test_notes_name_files_and_no_machine_s_folders() -> None:
    made = replace(sample(), notes=(note("W-CAL-PEAK", where="/home/lind/scans/peak.dcm"),))

    assert "/home" not in page.document(made)
    assert "/home" not in printed(made)[0]


def test_plots_of_real_scans_are_drawn_alike_each_time() -> None:
    flood = shared_path("data", "nm_qc", "Uniformity_UNIFORMIDAD_1_Ok.dcm")
    peak = shared_path("data", "nm_qc", "MaxCountRate.dcm")
    uniform = measure_uniformity([flood], Shelf(flood.parent))
    rates = measure_rates(read_series([peak], (), zone="UTC"), name="Tc-99m")

    for made, plots in ((uniform.certificate, flood_plots(uniform)),
                        (rates.certificate, rates_plots(rates))):  # fmt: skip
        one, again = page.contents(made, plots), page.contents(made, plots)
        assert one == again
        assert {f"figures/{p.name}.png" for p in plots} < set(one)
