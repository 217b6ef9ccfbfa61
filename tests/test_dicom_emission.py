"""Reading SPECT and PET: place, unit, scale and time, of real files and of spoilt ones."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from quimby.core.errors import QuimbyError
from quimby.measure.dicom import read_emission, read_outlines
from quimby.measure.dicom.scale import Scale, real_world_value
from quimby.measure.scans import EmissionScan, Timing
from tests import dicom_builder as build
from tests.conftest import shared_path


def codes(scan: EmissionScan) -> set[str]:
    return {note.code for note in scan.notes}


def read(folder: Path, *datas: Any) -> EmissionScan:
    return read_emission(build.save(folder, *datas))


# Real files


def test_case_a_is_read_with_its_place_time_and_counts(case_a: Path) -> None:
    scan = read_emission([case_a / "tp1" / "SPECT.dcm"])

    assert scan.image.grid.shape == (84, 128, 128)
    assert_allclose(scan.image.grid.spacing_mm, 4.7952)
    assert_allclose(scan.image.grid.origin_mm, (-304.4952, -304.4952, -199.0008))
    assert scan.image.unit == "counts"
    assert scan.image.values.sum() == 38659381
    zone = timezone(timedelta(hours=1))
    assert scan.acquired_at == datetime(2026, 3, 2, 14, 18, tzinfo=zone)
    assert scan.timing == Timing(20.0, 60, 2)
    assert scan.timing.sum_of_projection_time_s == 2400
    assert scan.decay_reference == "NONE"
    assert scan.pharmaceutical.nuclide == "Lu-177"
    assert scan.pharmaceutical.activity_as_written == 7350
    assert scan.device.corrections == ("ATTN", "SCAT", "UNIF", "COR")
    assert (scan.device.collimator, scan.device.windows[0].lower_kev) == ("MELP", 187.2)
    assert scan.identity.weight_kg == 66
    assert codes(scan) == {"I-DCM-HEADS"}


def test_a_calibration_sphere_lies_where_it_was_put(case_a: Path) -> None:
    scan = read_emission([case_a / "calibration" / "spheres" / "SPECT.dcm"])
    grid, counts = scan.image.grid, scan.image.values
    centre = np.array([46.76, -58.64, 0.0])  # of the 60 mm sphere, fill.json
    near = np.linalg.norm(grid.centres_mm() - centre, axis=-1) < 40

    found = np.average(grid.centres_mm()[near], axis=0, weights=counts[near])

    assert_allclose(found, centre, atol=1.0)


def test_slices_with_negative_spacing_are_stacked_against_the_normal() -> None:
    scan = read_emission([shared_path("data", "nm_qc", "Jaszack.dcm")])

    assert scan.image.grid.shape == (45, 128, 128)
    assert scan.image.values.sum() == 124591663
    assert_allclose(scan.image.grid.spacing_mm, 4.13, atol=1e-4)
    # Its first frame lies at z = -165.2; the others below it, so it is our last slice.
    assert scan.image.grid.points_mm([0, 0, 44])[2] == pytest.approx(-165.199986)
    assert np.linalg.det(scan.image.grid.affine[:3, :3]) > 0
    assert scan.timing is None  # 45 frames of 2.8 degrees do not make 360
    assert {"W-DCM-FRAMES", "I-DCM-COUNTS"} <= codes(scan)
    assert scan.pharmaceutical.nuclide == "Tc-99m"
    assert scan.identity.weight_kg is None


def test_a_decay_corrected_scan_without_a_reference_blocks_the_signature() -> None:
    scan = read_emission([shared_path("data", "nm_qc", "TomoResolution.dcm")])

    assert scan.image.values.max() == 65534
    assert "S-DCM-DECAY-REF" in codes(scan)
    assert scan.patient_position == "FFS"  # from its codes: feet-first, supine
    assert scan.timing == Timing(10.0, 64, 1)  # 640 s, as its own top level says


def test_an_old_file_without_geometry_is_read_and_stopped_before_signing() -> None:
    scan = read_emission([shared_path("data", "nm_misc", "NM-MONO2-16-13x-heart.dcm")])

    assert scan.image.grid.shape == (13, 64, 64)
    assert_allclose(scan.image.grid.spacing_mm, (3.11583, 3.11583, 6.231669))
    assert scan.acquired_at == datetime(1993, 11, 24, 9, 53)  # no zone in the file
    assert scan.timing is None
    assert {"S-DCM-GEOM", "W-DCM-NO-FRAMEDUR"} <= codes(scan)


@pytest.fixture(scope="module")
def fdg() -> EmissionScan:
    """The FDG patient's PET; its folder holds an SUV map too, which is left aside."""
    files = sorted(shared_path("data", "pet_ct_rtstruct_fdg", "PET_images").iterdir())
    return read_emission(files)


def test_bed_positions_of_a_whole_body_pet_make_one_volume(fdg: EmissionScan) -> None:
    scan = fdg
    assert scan.image.grid.shape == (234, 128, 128)
    assert_allclose(scan.image.grid.spacing_mm, (5.46875, 5.46875, 3.27), atol=2e-3)
    last = scan.image.grid.points_mm([0, 0, 233])
    assert (scan.image.grid.origin_mm[2], last[2]) == pytest.approx((-63.0, 698.9), abs=0.06)
    assert scan.image.unit == "Bq/ml"
    assert scan.acquired_at == datetime(2005, 3, 3, 13, 28, 2)
    assert scan.decay_reference == "START"
    assert scan.pharmaceutical.activity_as_written == pytest.approx(394.092e6)
    assert scan.pharmaceutical.started_at is None  # a time of day without a date
    assert "I-DCM-ADMIN-DATE" in codes(scan)
    assert len(scan.files) == 234


def test_the_liver_of_the_fdg_patient_has_the_published_uptake(fdg: EmissionScan) -> None:
    outlines = read_outlines(shared_path("data", "pet_ct_rtstruct_fdg", "RTstruct.dcm"))
    liver = next(o for o in outlines if o.name == "liver")
    inside = build.voxels_within(fdg.image.grid, liver.contours, reach_mm=1.7)

    mean = fdg.image.values[inside].mean()

    assert mean == pytest.approx(7285, rel=0.02)
    decayed = 394.092e6 * 2 ** (-(60 * 60 + 2) / (1.83 * 3600))  # 12:28:00 to 13:28:02
    assert mean * 69e3 / decayed == pytest.approx(1.86, rel=0.02)


def test_the_nema_phantom_has_its_published_volume_background_and_hot_spot() -> None:
    files = list(shared_path("data", "pet_nema_phantom").glob("*.IMA"))

    scan = read_emission(files)  # in the order the disk gives them

    assert scan.image.grid.shape == (85, 200, 200)
    assert_allclose(scan.image.grid.spacing_mm, (4.07283, 4.07283, 3.0), atol=1e-5)
    values = scan.image.values
    hot = values > 0.4 * np.percentile(values, 99.9)
    assert hot.sum() * scan.image.grid.voxel_ml == pytest.approx(9094, rel=0.005)
    assert np.median(values[hot]) == pytest.approx(2606.5, rel=0.01)
    assert values[36:48].max() == pytest.approx(32019, rel=1e-4)
    assert scan.pharmaceutical.started_at == datetime(2025, 7, 9, 12, 28, 4)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (("nm_misc", "NM1_RLE.dcm"), "E-DCM-SOP"),
        (("planar_antpost", "poumonsReins.dcm"), "E-DCM-IMAGE-TYPE"),
        (("nm_qc", "MCR.dcm"), "E-DCM-IMAGE-TYPE"),
        (("nm_qc", "Uniformity_UNIFORMIDAD_1_Ok.dcm"), "E-DCM-IMAGE-TYPE"),
        (("lu177_dotatate_case_a", "tp1", "PLANAR.dcm"), "E-DCM-IMAGE-TYPE"),
        (("lu177_dotatate_case_a", "tp1", "CT", "ct001.dcm"), "E-DCM-SOP"),
        (("ct_seg", "liver_seg.dcm"), "E-DCM-SOP"),
        (("ct_seg", "PROVENANCE.md"), "E-DCM-FILE"),
    ],
)
def test_real_files_that_are_no_emission_volume_are_refused(parts: Any, code: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        read_emission([shared_path("data", *parts)])

    assert caught.value.code == code


# Scale


def test_a_scale_only_in_the_real_world_value_map_is_found(tmp_path: Path) -> None:
    data = build.spect(Units=None, RealWorldValueMappingSequence=[build.mapping("Bq/ml", 2.5)])

    scan = read(tmp_path, data)

    assert scan.image.unit == "Bq/ml"
    assert scan.image.values.max() == 119 * 2.5


@pytest.mark.parametrize(
    ("code", "unit", "factor"),
    [
        ("Bq/ml", "Bq/ml", 1.0),
        ("Bq/mL", "Bq/ml", 1.0),
        ("kBq/ml", "Bq/ml", 1e3),
        ("MBq/ml", "Bq/ml", 1e6),
        ("{counts}", "counts", 1.0),
        ("counts", "counts", 1.0),
    ],
)
def test_every_spelling_of_the_unit_is_known(
    tmp_path: Path, code: str, unit: str, factor: float
) -> None:
    data = build.spect(Units=None, RealWorldValueMappingSequence=[build.mapping(code, 0.5)])

    scan = read(tmp_path, data)

    assert scan.image.unit == unit
    assert scan.image.values.max() == pytest.approx(119 * 0.5 * factor, rel=1e-6)


def holders(mapping: Any, uid: str) -> dict[str, Any]:
    """Every place of a map that files use."""
    image = build.item(ReferencedSOPClassUID=build.NM, ReferencedSOPInstanceUID=uid)
    referenced = build.item(
        ReferencedImageSequence=[image], RealWorldValueMappingSequence=[mapping]
    )
    group = build.item(RealWorldValueMappingSequence=[mapping])
    return {
        "RealWorldValueMappingSequence": [mapping],
        "SharedFunctionalGroupsSequence": [group],
        "PerFrameFunctionalGroupsSequence": [group] * 4,
        "ReferencedImageRealWorldValueMappingSequence": [referenced],
    }


@pytest.mark.parametrize("place", holders(build.mapping(), "1").keys())
def test_the_map_is_found_wherever_it_stands(tmp_path: Path, place: str) -> None:
    data = build.spect(Units=None)
    setattr(data, place, holders(build.mapping("Bq/ml", 3.0), data.SOPInstanceUID)[place])

    assert read(tmp_path, data).image.values.max() == 357


def test_a_separate_map_object_is_applied_to_the_image_it_names(tmp_path: Path) -> None:
    data = build.spect(Units=None)
    named = holders(build.mapping("Bq/ml", 3.0), data.SOPInstanceUID)
    place = "ReferencedImageRealWorldValueMappingSequence"
    other = holders(build.mapping("Bq/ml", 9.0), "2.25.999")[place]
    apart = build.base(build.RWVM, "RWV")
    setattr(apart, place, named[place] + other)

    scan = read(tmp_path, data, apart)

    assert scan.image.values.max() == 357
    assert len(scan.files) == 1


def test_two_scales_are_never_multiplied_and_the_map_wins(tmp_path: Path) -> None:
    data = build.spect(
        RescaleSlope=4.0, RescaleIntercept=0.0, Units=None,
        RealWorldValueMappingSequence=[build.mapping("Bq/ml", 2.5)],
    )  # fmt: skip

    scan = read(tmp_path, data)

    assert scan.image.values.max() == 119 * 2.5
    assert "W-DCM-TWO-SCALES" in codes(scan)


def test_two_scales_that_say_the_same_are_no_matter(tmp_path: Path) -> None:
    data = build.spect(
        RescaleSlope=2.5, RescaleIntercept=0.0, Units="BQML",
        RealWorldValueMappingSequence=[build.mapping("kBq/ml", 2.5e-3)],
    )  # fmt: skip

    scan = read(tmp_path, data)

    assert scan.image.values.max() == pytest.approx(119 * 2.5)
    assert "W-DCM-TWO-SCALES" not in codes(scan)


def test_a_table_of_values_is_looked_up_not_interpolated(tmp_path: Path) -> None:
    table = [float(n * n) for n in range(120)]
    data = build.spect(
        Units=None,
        RealWorldValueMappingSequence=[
            build.mapping("Bq/ml", None, RealWorldValueLUTData=table, RealWorldValueIntercept=None)
        ],
    )

    assert read(tmp_path, data).image.values.max() == 119**2


def test_a_table_that_is_too_short_is_refused(tmp_path: Path) -> None:
    short = build.mapping("Bq/ml", None, RealWorldValueLUTData=[1.0, 2.0])
    data = build.spect(Units=None, RealWorldValueMappingSequence=[short])

    with pytest.raises(QuimbyError, match="E-DCM-RWVM-RANGE"):
        read(tmp_path, data)


def test_two_maps_to_one_unit_that_differ_are_refused(tmp_path: Path) -> None:
    maps = [build.mapping("Bq/ml", 2.5), build.mapping("Bq/ml", 3.5)]
    data = build.spect(RealWorldValueMappingSequence=maps)

    with pytest.raises(QuimbyError, match="E-DCM-RWVM-TWO"):
        read(tmp_path, data)


def test_activity_goes_before_counts_and_suv_is_left_aside(tmp_path: Path) -> None:
    maps = [
        build.mapping("{SUVbw}g/ml", 9.0),
        build.mapping("{counts}", 1.0),
        build.mapping("Bq/ml", 2.5),
    ]
    data = build.spect(Units=None, RealWorldValueMappingSequence=maps)

    scan = read(tmp_path, data)

    assert (scan.image.unit, scan.image.values.max()) == ("Bq/ml", 297.5)


@given(slope=st.floats(1e-3, 1e3), intercept=st.floats(-100, 100))
def test_rescale_is_slope_times_stored_plus_intercept(slope: float, intercept: float) -> None:
    stored = np.array([0, 1, 7, 65535], dtype="u2")
    values, notes = real_world_value(stored, rescale=Scale(slope, intercept), where="test")

    assert_allclose(values, [slope * n + intercept for n in (0, 1, 7, 65535)])
    assert notes == ()


def test_each_pet_slice_has_its_own_scale(tmp_path: Path) -> None:
    slices = build.pet(3)
    for data, slope in zip(slices, (0.5, 2.0, 3.0), strict=True):
        data.RescaleSlope = slope

    scan = read(tmp_path, *slices)

    assert scan.image.values[:, 0, 0].tolist() == [5.0, 40.0, 90.0]


def test_suv_is_turned_back_into_activity(tmp_path: Path) -> None:
    given_at = "20260302095400"  # 24 h before
    slices = build.pet(
        Units="GML",
        RadiopharmaceuticalInformationSequence=[
            build.drug(RadionuclideTotalDose=7.35e9, RadiopharmaceuticalStartDateTime=given_at)
        ],
    )

    scan = read(tmp_path, *slices)

    per_suv = 7.35e9 * 2 ** (-24 / 159.528) / 66000
    assert scan.image.unit == "Bq/ml"
    assert scan.image.values[0, 0, 0] == pytest.approx(10 * per_suv, rel=1e-6)


def test_counts_of_one_maker_are_scaled_by_its_private_factor(tmp_path: Path) -> None:
    slices = build.pet(Units="CNTS")
    for data in slices:
        block = data.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(0x09, "DS", "1.5")

    scan = read(tmp_path, *slices)

    assert (scan.image.unit, scan.image.values[1, 0, 0]) == ("Bq/ml", 30.0)
    assert "I-DCM-PHILIPS-SCALE" in codes(scan)


@pytest.mark.parametrize("units", ["PROPCNTS", "1CM", None])
def test_units_that_are_no_activity_are_refused(tmp_path: Path, units: str | None) -> None:
    with pytest.raises(QuimbyError, match="E-DCM-UNITS"):
        read(tmp_path, *build.pet(Units=units))


def test_suv_without_the_patients_weight_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuimbyError, match="E-DCM-UNITS"):
        read(tmp_path, *build.pet(Units="GML", PatientWeight=None))


# Place


def test_frames_are_sorted_by_the_slice_vector(tmp_path: Path) -> None:
    straight = read(tmp_path / "a", build.spect())
    array = np.arange(120, dtype="u2").reshape(4, 5, 6)[[2, 0, 3, 1]]

    mixed = read(tmp_path / "b", build.spect(array, SliceVector=[3, 1, 4, 2]))

    assert (mixed.image.values == straight.image.values).all()


def test_a_negative_spacing_turns_the_stack_but_moves_no_count(tmp_path: Path) -> None:
    array = np.arange(120, dtype="u2").reshape(4, 5, 6)
    up = read(tmp_path / "a", build.spect(array))
    head = build.item(ImagePositionPatient=[10.0, 20.0, 42.0], ImageOrientationPatient=build.AXIAL)
    down = build.spect(array[::-1], SpacingBetweenSlices=-4.0, DetectorInformationSequence=[head])

    found = read(tmp_path / "b", down)

    assert (found.image.values == up.image.values).all()
    assert found.image.grid.matches(up.image.grid)


@pytest.mark.parametrize(
    ("orientation", "voxel", "place"),
    [
        (build.AXIAL, (1, 2, 3), (12.0, 26.0, 42.0)),
        ([-1.0, 0, 0, 0, 1.0, 0], (1, 2, 3), (8.0, 26.0, 18.0)),  # as feet-first consoles write
        ([-1.0, 0, 0, 0, -1.0, 0], (1, 2, 3), (8.0, 14.0, 42.0)),  # prone
        ([0, 1.0, 0, 0, 0, -1.0], (1, 2, 3), (-2.0, 22.0, 24.0)),  # sagittal
    ],
)
def test_voxels_lie_where_orientation_and_position_put_them(
    tmp_path: Path, orientation: list[float], voxel: Any, place: Any
) -> None:
    head = build.item(ImagePositionPatient=[10.0, 20.0, 30.0], ImageOrientationPatient=orientation)
    scan = read(tmp_path, build.spect(DetectorInformationSequence=[head]))

    assert_allclose(scan.image.grid.points_mm(voxel), place, atol=1e-9)


def test_geometry_at_the_top_level_is_a_fallback(tmp_path: Path) -> None:
    data = build.spect(
        DetectorInformationSequence=None, ImagePositionPatient=[1.0, 2.0, 3.0],
        ImageOrientationPatient=build.AXIAL,
    )  # fmt: skip

    scan = read(tmp_path, data)

    assert_allclose(scan.image.grid.origin_mm, (1, 2, 3))
    assert "S-DCM-GEOM" not in codes(scan)


def test_slice_thickness_stands_in_for_spacing_and_says_so(tmp_path: Path) -> None:
    scan = read(tmp_path, build.spect(SpacingBetweenSlices=None))

    assert scan.image.grid.spacing_mm[2] == 4
    assert "W-DCM-ZSPACING" in codes(scan)


def test_pet_slices_are_spaced_by_position_not_thickness(tmp_path: Path) -> None:
    slices = build.pet(SliceThickness=5.0)

    scan = read(tmp_path, *slices[::-1])

    assert scan.image.grid.spacing_mm[2] == pytest.approx(3.0)
    assert scan.image.values[:, 0, 0].tolist() == [10, 20, 30, 40]


SKEW = build.item(ImagePositionPatient=[0, 0, 0], ImageOrientationPatient=[1, 0, 0, 1, 0, 0])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"SliceVector": [1, 1, 2, 2]}, "E-DCM-FRAMES"),
        ({"EnergyWindowVector": [1, 1, 2, 2]}, "E-DCM-FRAMES"),
        ({"PixelSpacing": None}, "E-DCM-GEOM"),
        ({"SpacingBetweenSlices": None, "SliceThickness": None}, "E-DCM-GEOM"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]}, "E-DCM-IMAGE-TYPE"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "TRANSMISSION"]}, "E-DCM-IMAGE-TYPE"),
        ({"SOPClassUID": build.CAPTURE}, "E-DCM-SOP"),
        ({"PixelData": b"\0\0"}, "E-DCM-PIXELS"),
        ({"Units": "PROPCNTS"}, "E-DCM-UNITS"),
        ({"Units": "GML"}, "E-DCM-UNITS"),
        (
            {"RotationInformationSequence": [
                build.item(ActualFrameDuration=20, NumberOfFramesInRotation=60)
            ]},
            "E-DCM-FRAMEDUR",
        ),
        ({"DetectorInformationSequence": [SKEW]}, "E-DCM-ORIENTATION"),
    ],
)  # fmt: skip
def test_a_spoilt_spect_file_is_refused(tmp_path: Path, change: Any, code: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        read(tmp_path, build.spect(**change))

    assert caught.value.code == code
    assert "f000.dcm" in caught.value.where


def test_two_series_are_not_mixed(tmp_path: Path) -> None:
    slices = build.pet(4)
    slices[2].SeriesInstanceUID = "2.25.7"

    with pytest.raises(QuimbyError, match="E-DCM-MIXED"):
        read(tmp_path, *slices)


def test_the_same_slice_in_two_files_counts_once(tmp_path: Path) -> None:
    slices = build.pet(4)
    files = build.save(tmp_path / "a", *slices) + build.save(tmp_path / "b", *slices)

    assert read_emission(files).image.grid.shape == (4, 5, 6)


# Time


def test_missing_frame_time_leaves_the_timing_open(tmp_path: Path) -> None:
    scan = read(tmp_path, build.spect(RotationInformationSequence=None))

    assert scan.timing is None
    assert "W-DCM-NO-FRAMEDUR" in codes(scan)


def test_a_scan_without_time_is_read_and_says_so(tmp_path: Path) -> None:
    scan = read(tmp_path, build.spect(AcquisitionDate=None, AcquisitionTime=None))

    assert scan.acquired_at is None
    assert "W-DCM-NOTIME" in codes(scan)


def test_the_offset_of_the_file_makes_its_times_aware(tmp_path: Path) -> None:
    scan = read(tmp_path, build.spect(TimezoneOffsetFromUTC="-0530"))

    assert scan.acquired_at is not None
    assert scan.acquired_at.utcoffset() == timedelta(hours=-5, minutes=-30)
    assert scan.pharmaceutical.started_at is not None
    assert scan.pharmaceutical.started_at.utcoffset() == timedelta(hours=-5, minutes=-30)


@pytest.mark.parametrize(
    ("change", "reference", "flag"),
    [
        ({}, "START", None),
        ({"SeriesTime": "084500"}, "START", "W-DCM-DECAY-REF"),
        ({"DecayCorrection": "ADMIN"}, "ADMIN", None),
        ({"DecayCorrection": "NONE", "CorrectedImage": ["ATTN"]}, "NONE", None),
        ({"DecayCorrection": None}, "START", "S-DCM-DECAY-REF"),
    ],
)
def test_the_decay_reference_is_named_or_doubted(
    tmp_path: Path, change: Any, reference: str, flag: str | None
) -> None:
    scan = read(tmp_path, *build.pet(**change))

    assert scan.decay_reference == reference
    assert {c for c in codes(scan) if "DECAY" in c} == ({flag} if flag else set())


def test_a_half_life_that_is_not_the_nuclides_is_noted(tmp_path: Path) -> None:
    good = read(tmp_path / "a", build.spect())
    wrong = build.drug(RadionuclideHalfLife=574300.8 * 1.02)
    bad = read(tmp_path / "b", build.spect(RadiopharmaceuticalInformationSequence=[wrong]))

    assert "W-DCM-HALFLIFE" not in codes(good)
    assert "W-DCM-HALFLIFE" in codes(bad)


def test_a_nuclide_we_do_not_know_is_named_not_dropped(tmp_path: Path) -> None:
    code = build.item(CodeValue="X", CodingSchemeDesignator="L", CodeMeaning="Unobtainium")
    said = build.drug(Radiopharmaceutical="X", RadionuclideCodeSequence=[code])

    scan = read(tmp_path, build.spect(RadiopharmaceuticalInformationSequence=[said]))

    assert scan.pharmaceutical.nuclide == ""
    assert "Unobtainium" in next(n.text for n in scan.notes if n.code == "W-DCM-NUCLIDE")


def test_the_array_handed_on_cannot_be_changed(tmp_path: Path) -> None:
    scan = read(tmp_path, build.spect())

    with pytest.raises(ValueError, match="read-only"):
        scan.image.array[0, 0, 0] = 1


def test_counts_of_one_maker_are_turned_into_activity_by_its_suv_factor_where_that_is_all(
    tmp_path: Path,
) -> None:
    slices = build.pet(Units="CNTS")
    for data in slices:
        block = data.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(0x00, "DS", "0.002")
        block.add_new(0x09, "DS", "0")

    scan = read(tmp_path, *slices)

    decayed = 7.35e9 * 2.0 ** (-(23 * 3600 + 42 * 60) / 574300.8)  # 10:12 to 09:54 of the next day
    assert scan.image.unit == "Bq/ml"
    assert scan.image.values[1, 0, 0] == pytest.approx(20 * 0.002 * decayed / 66000, rel=1e-6)
    assert "I-DCM-PHILIPS-SCALE" in codes(scan)


def test_the_maker_s_factor_to_activity_goes_before_its_factor_to_suv(tmp_path: Path) -> None:
    slices = build.pet(Units="CNTS", PatientWeight=None)
    for data in slices:
        block = data.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(0x00, "DS", "0.002")
        block.add_new(0x09, "DS", "1.5")

    assert read(tmp_path, *slices).image.values[1, 0, 0] == 30.0


@pytest.mark.parametrize(("units", "factor"), [("CPS", 1.0), ("KCPS", 1000.0)])
def test_counts_per_second_become_counts_over_the_scan(
    tmp_path: Path, units: str, factor: float
) -> None:
    scan = read(tmp_path, build.spect(Units=units))

    assert scan.image.unit == "counts"
    assert scan.image.values.max() == 119 * 20 * 60 * factor  # 60 projections of 20 s
    told = next(n for n in scan.notes if n.code == "W-DCM-CPS")
    assert told.value == 1200


def test_counts_per_second_of_an_unknown_time_are_refused_until_it_is_told(tmp_path: Path) -> None:
    data = build.spect(Units="CPS", RotationInformationSequence=None)
    paths = build.save(tmp_path, data)

    with pytest.raises(QuimbyError, match="E-DCM-FRAMEDUR"):
        read_emission(paths)
    assert read_emission(paths, timing=Timing(10.0, 30, 2)).image.values.max() == 119 * 300
