"""From calibrated counts to activity at the start of a scan, and regions taken together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import uncertainties

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.uncertain import Uncertain
from quimby.measure.partial_volume import Recovery, RegionActivity
from quimby.measure.registration import Registration
from quimby.measure.scans import (
    CtScan,
    Device,
    EmissionScan,
    Identity,
    Radiopharmaceutical,
    Timing,
)
from quimby.study.doses import mean_by_mass
from quimby.study.inputs import Visit
from quimby.study.quantify import (
    Reading,
    activity_image,
    count_rate,
    few_counts,
    on_reference,
)
from quimby.therapies import Organ
from tests.sample_result import sample_result
from tests.test_devices_camera import camera_record_of as camera

HALF_LIFE_H = 159.528
GRID = Grid((5, 6, 7), np.diag([4.0, 4.0, 4.0, 1.0]))
WHEN = datetime(2026, 3, 3, 9, 54, tzinfo=UTC)
DEVICE = Device(corrections=("ATTN",))


def scan(*, unit: str = "counts", reference: str = "NONE", value: float = 100.0) -> EmissionScan:
    """An even scan of 2 x 60 views of 20 s."""
    return EmissionScan(
        image=Image(GRID, np.full(GRID.shape, value), unit), modality="NM",
        identity=Identity("1"), frame_of_reference="1.2", study_uid="1.3", series_uid="1.4",
        description="", acquired_at=WHEN, timing=Timing(20.0, 60, 2), decay_reference=reference,
        device=DEVICE, pharmaceutical=Radiopharmaceutical(), patient_position="HFS",
        files=(Path("SPECT.dcm"),),
    )  # fmt: skip


def visit(of: EmissionScan, *, time_h: float = 24.0, rate: float | None = None) -> Visit:
    """A visit of that scan; its CT is not looked at."""
    hu = Image(GRID, np.zeros(GRID.shape), "HU")
    ct = CtScan(hu, Identity("1"), "1.2", "1.3", "1.5", "", WHEN, "HFS", (), ())
    return Visit("scan-1", of, ct, WHEN, time_h, rate)


def level(of: EmissionScan, **words: float) -> float:
    """MBq/ml that an even scan becomes."""
    image, _, _ = activity_image(visit(of, **words), camera(), HALF_LIFE_H)
    return float(image.values.mean())


def test_activity_is_that_at_the_start_of_the_scan_whatever_the_values_stand_for() -> None:
    rate = log(2) / HALF_LIFE_H
    during = rate * 20 * 60 / 3600
    as_counted = level(scan())

    assert level(scan(reference="START")) == pytest.approx(as_counted * -np.expm1(-during) / during)
    assert level(scan(reference="START")) < as_counted  # what was counted is the mean of the scan
    assert level(scan(reference="ADMIN")) == pytest.approx(
        level(scan(reference="START")) * exp(-rate * 24.0)
    )


def test_the_rate_is_that_of_one_head_before_attenuation_was_corrected() -> None:
    total = 100.0 * 5 * 6 * 7

    assert count_rate(visit(scan())) == pytest.approx(0.3 * total / 2400)
    assert count_rate(visit(scan(), rate=1234.0)) == 1234.0
    assert count_rate(visit(scan(unit="Bq/ml"))) is None
    bare = replace(scan(), device=Device())
    assert count_rate(visit(bare)) == pytest.approx(total / 2400)


def test_a_high_rate_without_a_known_dead_time_is_doubt_and_a_note_not_a_correction() -> None:
    few, shared_few, quiet = activity_image(visit(scan(), rate=100.0), camera(), HALF_LIFE_H)
    many, shared, notes = activity_image(visit(scan(), rate=2e4), camera(), HALF_LIFE_H)

    assert many.values == pytest.approx(few.values)
    assert "dead time" not in shared_few
    assert shared["dead time"] == pytest.approx(0.09, abs=0.02)  # 4.6 us: 1 - exp(-n tau)
    assert "W-DT-UNCORRECTED" not in {n.code for n in quiet}
    assert "W-DT-UNCORRECTED" in {n.code for n in notes}


def test_a_scan_is_brought_back_to_where_the_patient_lay_at_the_reference() -> None:
    big = Grid((20, 20, 20), np.diag([4.0, 4.0, 4.0, 1.0]))
    there = np.zeros(big.shape)
    there[10, 12, 9] = 1.0  # tissue that lay at voxel (10, 10, 8) of the reference moved +1, +2
    moved = Rigid(np.eye(3), np.array([4.0, 8.0, 0.0]))
    of = replace(scan(), image=Image(big, there, "counts"))
    laid = Registration(moved, 1.0, 1.0, 1.0, 0.0, (4.0, 8.0, 0.0))
    nothing = Recovery.__new__(Recovery)
    reading = Reading(visit(of), laid, Image(big, there, "MBq/ml"), nothing, {})

    back = on_reference(reading, big)

    assert np.argwhere(back.values > 0.5).tolist() == [[10, 10, 8]]


def test_the_mean_dose_of_two_kidneys_carries_doubt_as_the_uncertainties_library_does() -> None:
    regions = [r for r in sample_result(pictures=False).regions if r.organ == "kidney"]
    masses = [{"density": 3.0, "left": 12.0}, {"density": 3.5, "right": -9.0}]
    doses = [{"camera": 0.2, "left": -0.15}, {"camera": 0.1, "right": 0.05}]
    left, right = (
        replace(
            r,
            mass_g=Uncertain(m, mass),
            absorbed_dose_gy=Uncertain(d, dose),
        )
        for r, m, d, mass, dose in zip(
            regions, (140.0, 180.0), (4.0, 2.5), masses, doses, strict=True
        )
    )
    noise = {c: uncertainties.ufloat(0, 1) for c in ("density", "camera", "left", "right")}
    m1, m2 = (
        v + sum(u * noise[c] for c, u in parts.items())
        for v, parts in zip((140.0, 180.0), masses, strict=True)
    )
    d1, d2 = (
        v + sum(u * noise[c] for c, u in parts.items())
        for v, parts in zip((4.0, 2.5), doses, strict=True)
    )
    theirs = (m1 * d1 + m2 * d2) / (m1 + m2)

    ours = mean_by_mass(left, right)

    assert ours.value == pytest.approx(theirs.nominal_value)
    assert ours.u == pytest.approx(theirs.std_dev)


def test_a_region_of_few_counts_is_told_and_a_lesion_is_borne_with_longer() -> None:
    def row(name: str, noise: float) -> RegionActivity:
        return RegionActivity(name, Uncertain(10.0, {f"counts, {name}, scan-1": 10.0 * noise}),
                              10.0, 1.0, 50.0)  # fmt: skip

    rows = {"Liver": row("Liver", 0.04), "L1": row("L1", 0.04), "L2": row("L2", 0.06)}
    organs = {"Liver": Organ("liver"), "L1": Organ("lesion"), "L2": Organ("lesion")}
    told = few_counts(rows, organs, scan="scan-1")
    assert [(n.code, n.where) for n in told] == [
        ("W-COUNTS-LOW", "Liver, scan-1"), ("W-COUNTS-LOW", "L2, scan-1"),
    ]  # fmt: skip
    assert [n.value for n in told] == pytest.approx([0.04, 0.06])
