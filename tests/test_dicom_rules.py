"""Small rules for times, doses and numbers that files leave in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import QuimbyError
from quimby.measure.dicom import export, times
from quimby.measure.dicom.about import administered_mbq
from quimby.measure.dicom.scale import unit_of

UTC1 = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("date", "clock", "found"),
    [
        ("20260302", "101200", datetime(2026, 3, 2, 10, 12)),
        ("20260302", "1012", datetime(2026, 3, 2, 10, 12)),
        ("20260302", "101200.5", datetime(2026, 3, 2, 10, 12, 0, 500000)),
        ("1993.11.24", "09:53:00", datetime(1993, 11, 24, 9, 53)),
        ("", "101200", None),
        ("20260302", "", None),
        ("20261302", "101200", None),
        ("00010101", "101200", None),
    ],
)
def test_dates_and_times_as_files_write_them(date: str, clock: str, found: datetime | None) -> None:
    assert times.moment(date, clock) == found


def test_an_offset_in_the_text_goes_before_the_files() -> None:
    found = times.moment_of("20260302101200.000000+0530", UTC1)

    assert found is not None
    assert found.utcoffset() == timedelta(hours=5, minutes=30)
    assert times.moment_of("20260302101200", UTC1) == datetime(2026, 3, 2, 10, 12, tzinfo=UTC1)


def test_a_time_of_day_is_no_time_of_administration() -> None:
    with pytest.raises(QuimbyError) as caught:
        times.administration_start("", "101200", where="scan 1")

    assert caught.value.code == "E-DCM-ADMIN-DATE"
    assert "administered_at=" in caught.value.do


def test_nothing_said_about_administration_is_not_an_error() -> None:
    assert times.administration_start("", "", where="scan 1") is None


@pytest.mark.parametrize(("days", "says"), [(-0.1, "2.4 h before"), (30.5, "732.0 h after")])
def test_scans_before_or_long_after_administration_are_refused(days: float, says: str) -> None:
    start = datetime(2026, 3, 2, 10, tzinfo=UTC1)

    with pytest.raises(QuimbyError, match=says) as caught:
        times.hours_post_injection(start, start + timedelta(days=days), where="scan 1")

    assert caught.value.code == "E-DCM-TIME"


def test_hours_need_both_zones_or_none() -> None:
    aware, naive = datetime(2026, 3, 2, tzinfo=UTC1), datetime(2026, 3, 3)

    with pytest.raises(QuimbyError, match="E-TIME-ZONE"):
        times.hours_post_injection(aware, naive, where="scan 1")


@pytest.mark.parametrize(
    ("modality", "written", "mbq", "code"),
    [
        ("NM", 7400, 7400, "I-DCM-DOSE-UNIT-MBQ"),
        ("NM", 7.4e9, 7400, "W-DCM-DOSE-UNIT-GUESS"),
        ("PT", 3.94e8, 394, None),
        ("PT", 394, 394, "W-DCM-DOSE-UNIT-GUESS"),
    ],
)
def test_the_unit_of_the_dose_is_told_by_its_size(
    modality: str, written: float, mbq: float, code: str | None
) -> None:
    found, notes = administered_mbq(written, modality=modality, where="scan 1")

    assert found == pytest.approx(mbq)
    assert [n.code for n in notes] == ([code] if code else [])


@pytest.mark.parametrize("written", [10000.1, 50000, 100000, 0, -5])
def test_a_dose_between_the_units_is_refused(written: float) -> None:
    with pytest.raises(QuimbyError, match="E-DCM-DOSE-AMBIGUOUS"):
        administered_mbq(written, modality="NM", where="scan 1")


def test_a_frame_time_in_seconds_is_refused_not_guessed() -> None:
    assert times.frame_seconds(20000, where="scan 1") == 20
    with pytest.raises(QuimbyError, match="E-DCM-FRAMEDUR"):
        times.frame_seconds(20, where="scan 1")


def test_a_decay_reference_is_doubted_only_when_it_matters() -> None:
    series = datetime(2026, 3, 2, 10)
    soon, later = series + timedelta(minutes=5), series + timedelta(minutes=30)

    lutetium, quiet = times.decay_reference_note(series, soon, half_life_h=159.5, where="x")
    gallium, noted = times.decay_reference_note(series, later, half_life_h=1.13, where="x")

    assert not quiet
    assert lutetium == pytest.approx(1.0004, abs=1e-4)
    assert noted[0].code == "W-DCM-DECAY-REF"
    assert gallium == pytest.approx(1.36, abs=0.01)  # 36 % for 68Ga, spec 1.11


@given(st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=50))
def test_export_rounds_within_half_a_step_and_without_bias(values: list[float]) -> None:
    stored, scale = export.quantised(values)

    assert np.abs(stored * scale.slope - values).max() <= scale.max_rounding_error * (1 + 1e-9)


def test_rounding_has_no_bias_where_truncation_has() -> None:
    values = np.random.default_rng(7).uniform(0, 8e6, 100_000)

    stored, scale = export.quantised(values)
    rounded = (stored * scale.slope - values).mean()
    cut = (np.floor(values / scale.slope) * scale.slope - values).mean()

    assert abs(rounded) < 0.02 * scale.slope
    assert cut == pytest.approx(scale.bias_if_truncated, rel=0.02)


def test_what_is_not_finite_is_not_written() -> None:
    with pytest.raises(QuimbyError, match="E-IO-RANGE"):
        export.quantised([1.0, float("nan")])


def test_units_are_known_by_name_only() -> None:
    assert unit_of("MBq/ml", where="x") == ("Bq/ml", 1e6)
    with pytest.raises(QuimbyError, match="PROPCNTS"):
        unit_of("PROPCNTS", where="x")
