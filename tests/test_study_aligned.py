"""Organs a study asks to be registered by themselves: what reaches the activity."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import pytest

from quimby.core.errors import InputError
from quimby.core.grid import Image, Rigid
from quimby.core.outline import Outline
from quimby.core.uncertain import Uncertain
from quimby.measure.partial_volume import Recovery, recover
from quimby.measure.regions import Regions, prepare
from quimby.measure.scans import CtScan, Device, EmissionScan, Identity, Radiopharmaceutical, Timing
from quimby.study.aligned import align_rows, aligned, with_align
from quimby.study.document import Administration, Study
from quimby.study.inputs import Inputs, Visit
from tests import test_local_rigid as organ
from tests.test_devices_camera import camera_record_of

WHEN = datetime(2026, 3, 3, 9, 54, tzinfo=UTC)
FWHM = Uncertain(11.0)
ALONE = organ.organ_move([2.0, 0.0, -11.0], 0.0)


def visit(name: str, hu: Image) -> Visit:
    ct = CtScan(hu, Identity("1"), "frame", "1.3", "1.5", "", WHEN, "HFS", (), ())
    spect = EmissionScan(
        image=activity(), modality="NM", identity=Identity("1"), frame_of_reference="frame",
        study_uid="1.3", series_uid="1.4", description="", acquired_at=WHEN,
        timing=Timing(20.0, 60, 2), decay_reference="START", device=Device(),
        pharmaceutical=Radiopharmaceutical(), patient_position="HFS", files=(),
    )  # fmt: skip
    return Visit(name, spect, ct, WHEN, 24.0, None)


def inputs(**keys: Any) -> Inputs:
    """A reference scan, and a second one in which the kidney moved by itself."""
    given = Administration.model_validate({
        "id": "c1", "nuclide": "Lu-177",
        "measurements": [
            {"id": "scan-1", "image": {"path": "a"}, **keys},
            {"id": "scan-2", "image": {"path": "b"}, **keys},
        ],
    })  # fmt: skip
    visits = (visit("scan-1", organ.reference()), visit("scan-2", moved_ct()))
    return Inputs(given, WHEN, visits, "scan-1", (), camera_record_of(), (), {}, ())


@cache
def moved_ct() -> Image:
    return organ.ct(Rigid.identity(), ALONE, 7)


@cache
def regions() -> Regions:
    return prepare([Outline("Kidney_L", "frame", mask=organ.mask())], organ.reference())


@cache
def activity() -> Image:
    return organ.activity(ALONE, 9)


def recovered(used: Regions) -> Recovery:
    return recover(activity(), used, Rigid.identity(), fwhm_mm=FWHM, scan="scan-2")


def moved(of: Inputs, number: int = 1) -> tuple[Regions, list[str]]:
    found, notes = aligned(
        regions(), of.visits[number], of, Rigid.identity(), activity=activity(), fwhm_mm=11.0
    )
    return found, [n.code for n in notes]


@pytest.mark.parametrize("on", ["ct", "spect"])
def test_an_aligned_kidney_gives_its_activity_where_the_bodys_registration_loses_it(
    on: str,
) -> None:
    true_mbq = 1.03 * float(regions().organs[0].volume_ml.value)  # MBq/ml as drawn

    used, codes = moved(inputs(align=["Kidney_L"], align_on=on))

    lost, kept = recovered(regions()), recovered(used)
    assert codes == ["I-REG-LOCAL"]
    assert lost.regions["Kidney_L"].activity_mbq.value < 0.95 * true_mbq
    assert kept.regions["Kidney_L"].activity_mbq.value == pytest.approx(true_mbq, rel=0.01)
    assert lost.off_mm["Kidney_L"] > 5.0 > 1.5 > kept.off_mm["Kidney_L"]


def test_without_the_key_nothing_is_touched() -> None:
    used, codes = moved(inputs())

    assert used is regions()
    assert codes == []


def test_on_the_cts_the_reference_scan_has_nothing_to_register() -> None:
    used, codes = moved(inputs(align=["Kidney_L"]), number=0)

    assert used is regions()
    assert codes == []


@pytest.mark.parametrize("word", ["kidneys", "kidney left", "Niere links"])
def test_an_organ_stands_for_its_outlines(word: str) -> None:
    used, codes = moved(inputs(align=[word]))
    assert codes == ["I-REG-LOCAL"]
    assert used is not regions()


def test_the_other_side_is_not_meant() -> None:
    with pytest.raises(InputError, match=r"align names 'kidney right'; the outlines are Kidney_L"):
        moved(inputs(align=["kidney right"]))


def test_a_name_that_is_no_outline_and_a_missing_blur_are_refused() -> None:
    with pytest.raises(InputError, match=r"E-STUDY-KEY.*align names 'Kidny'.*Kidney_L"):
        moved(inputs(align=["Kidny"]))
    blind = inputs(align=["Kidney_L"], align_on="spect")
    with pytest.raises(InputError, match=r"point spread"):
        aligned(
            regions(), blind.visits[1], blind, Rigid.identity(), activity=activity(), fwhm_mm=0.0
        )


def test_an_organ_that_cannot_be_followed_stays_with_the_body() -> None:
    of = inputs(align=["Kidney_L"])
    far = organ.ct(Rigid.identity(), organ.organ_move([0.0, 0.0, -19.0], 0.0), 2)
    lost = replace(of, visits=(of.visits[0], visit("scan-2", far)))

    used, codes = moved(lost)

    assert codes == ["W-REG-LOCAL-BOUND"]
    assert np.array_equal(used.organs[0].mask.grid.affine, regions().organs[0].mask.grid.affine)


# Asked for on the command line


def study_of(**keys: Any) -> Study:
    given = inputs(**keys).administration.model_dump(exclude_defaults=True)
    return Study.model_validate({"folder": ".", "document": {
        "id": "s", "therapy": "lu177-dotatate", "protocol": "LU-FULL", "patient": {"id": "1"},
        "administrations": [given],
    }})  # fmt: skip


def aligns(study: Study) -> dict[str, list[str]]:
    return {m.id: m.align for m in study.document.administrations[0].scans}


def test_align_is_put_into_every_scan_beside_what_the_study_says() -> None:
    found = with_align(study_of(align=["Liver"]), ["kidneys", "Liver"])
    assert aligns(found) == {n: ["Liver", "kidneys"] for n in ("scan-1", "scan-2")}


def test_align_may_be_for_one_scan_alone() -> None:
    found = with_align(study_of(), ["kidneys"], ["scan-2"])
    assert aligns(found) == {"scan-1": [], "scan-2": ["kidneys"]}
    rows = align_rows(found.document.administrations[0])
    assert rows == (("registration of organs", "kidneys, each by itself on CT, in scan-2"),)
    assert align_rows(study_of().document.administrations[0]) == ()


def test_a_scan_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no scan called 'scan-9'; the scans are scan-1, scan-2"):
        with_align(study_of(), ["kidneys"], ["scan-9"])
