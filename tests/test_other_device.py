"""Measured by another device than the protocol asks for: said, and never silently taken."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from quimby import protocols
from quimby.core.grid import Grid, Image
from quimby.core.notes import Note
from quimby.measure.scans import CtScan, Device, EmissionScan, Identity, Radiopharmaceutical
from quimby.protocols import Protocol
from quimby.report.write import contents
from quimby.study.inputs import Visit
from quimby.study.other_device import of_scans
from quimby.study.result import Measurement, Result
from quimby.study.run import run
from tests.readings_study import dtc_study, mibg_study

WHEN = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
IMAGE = Image(Grid((1, 1, 1), np.eye(4)), np.zeros((1, 1, 1)), "HU")
CODE = "W-PROTOCOL-DEVICE"
SHIPPED = Path(protocols.__file__).parent / "data"


def device(folder: Path, kind: str, **more: Any) -> str:
    """A device document that nobody has checked."""
    rows = {"id": "D1", "kind": kind, "manufacturer": "Maker", "model": "M", "serial": "7",
            "dead_time": "none", **more}  # fmt: skip
    (folder / "device.toml").write_text(tomli_w.dumps(rows), "utf-8")
    return "device.toml"


def monitored(folder: Path, kind: str, *, protocol: str = "MIBG-WB", **more: Any) -> Result:
    """The mIBG study with its whole-body readings by such a device."""
    study = mibg_study(folder)
    given = study.document.administrations[0]
    (table,) = given.measurements
    named = table.model_copy(update={"device": device(folder, kind, **more)})
    row = given.model_copy(update={"measurements": [named]})
    changed = {"administrations": [row], "protocol": protocol}
    return run(study.model_copy(update={"document": study.document.model_copy(update=changed)}))


def told(result: Result) -> list[Note]:
    return [n for n in result.notes if n.code == CODE]


def visit(name: str, time_h: float, *, with_ct: bool) -> Visit:
    """A scan of which only its hour and its CT are looked at."""
    scan = EmissionScan(
        image=IMAGE, modality="NM", identity=Identity("1"), frame_of_reference="frame",
        study_uid="", series_uid="", description="", acquired_at=WHEN, timing=None,
        decay_reference="START", device=Device(), pharmaceutical=Radiopharmaceutical(),
        patient_position="HFS", files=(),
    )  # fmt: skip
    ct = CtScan(IMAGE, Identity("1"), "1.2", "1.3", "1.5", "", WHEN, "HFS", (), ())
    return Visit(name, scan, ct if with_ct else None, WHEN, time_h, None)


def planar(time_h: float) -> Measurement:
    return Measurement("planar-1", "planar", WHEN, time_h, "", 0.0, ())


def said(notes: list[Note]) -> list[tuple[str, str]]:
    assert {n.code for n in notes} <= {CODE}
    return [(n.where, n.text) for n in notes]


def test_a_probe_in_the_place_of_a_monitor_is_said_with_what_the_protocol_promised(
    tmp_path: Path,
) -> None:
    result = monitored(tmp_path, "thyroid probe", also_for=["whole-body retention"])
    (note,) = told(result)
    assert note.where == "whole-body"
    assert note.text == (
        "Measured by uptake probe where protocol MIBG-WB plans dose-rate monitor.")  # fmt: skip
    assert "I-PROTOCOL-DOUBT" in {n.code for n in result.notes}
    assert CODE.encode() in contents(result)["result.json"]


@pytest.mark.parametrize(("mounting", "many"), [("fixed", 0), ("hand-held", 1)])
def test_a_monitor_says_how_it_is_mounted(tmp_path: Path, mounting: str, many: int) -> None:
    assert len(told(monitored(tmp_path, "dose-rate monitor", mounting=mounting))) == many


def test_the_planned_counter_is_not_remarked_on(tmp_path: Path) -> None:
    assert not told(run(dtc_study(tmp_path)))


def test_a_centres_own_protocol_may_ask_for_the_device_it_has(tmp_path: Path) -> None:
    text = (SHIPPED / "MIBG-WB.toml").read_text("utf-8")
    (tmp_path / "ours.toml").write_text(
        text.replace('[["dose_rate_monitor"]', '[["hand_held_monitor"]'), "utf-8"
    )
    assert not told(monitored(tmp_path, "dose-rate monitor", protocol="ours.toml",
                              mounting="hand-held"))  # fmt: skip


@pytest.mark.parametrize("name", ["LU-FULL", "LU-HYB", "LU-STP", "LU-TWO"])
def test_a_scan_without_ct_is_said_and_one_with_ct_is_not(name: str) -> None:
    p = protocols.load(name)
    assert said(of_scans([visit("scan-1", 24.0, with_ct=True)], (), p)) == []
    ((where, text),) = said(of_scans([visit("scan-1", 24.0, with_ct=False)], (), p))
    assert where == "scan-1"
    assert text == f"Measured by SPECT without CT where protocol {name} plans SPECT/CT."


def test_a_spect_ct_is_a_spect_too() -> None:
    text = protocols.text_of("LU-FULL").replace('[["spect_ct"]', '[["spect"]')
    asks = protocols.read(text, where="ours.toml")
    assert asks.devices_for("spect") == ("spect",)
    assert said(of_scans([visit("scan-1", 24.0, with_ct=True)], (), asks)) == []


def test_a_planar_scan_in_the_place_of_a_spect_is_said() -> None:
    p = protocols.load("LU-FULL")
    assert p.acquisition_at(96.0)
    scans = [visit("scan-1", 24.0, with_ct=True)]
    assert said(of_scans(scans, [planar(96.0)], p)) == [
        ("planar-1", "Measured by gamma camera where protocol LU-FULL plans SPECT/CT."),
    ]


def test_a_planar_scan_beside_its_spect_or_planned_as_such_is_not_remarked_on() -> None:
    beside = [visit("scan-1", 24.0, with_ct=True), visit("scan-3", 95.0, with_ct=True)]
    assert said(of_scans(beside, [planar(96.0)], protocols.load("LU-FULL"))) == []
    hybrid = protocols.load("LU-HYB")
    for one in (a for a in hybrid.acquisition if a.kind == "planar"):
        assert said(of_scans([], [planar(sum(one.window_h) / 2)], hybrid)) == []


@pytest.mark.parametrize("name", protocols.names())
def test_a_shipped_protocol_asks_for_a_device_for_each_measurement_a_dose_rests_on(
    name: str,
) -> None:
    p: Protocol = protocols.load(name)
    for one in p.acquisition:
        if p.level > 1 and one.kind != "ultrasound":
            assert p.devices_for(one.kind), one.kind
