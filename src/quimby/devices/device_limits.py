"""What a device can tell from its background: decision and detection limits, least activity."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from quimby.core.uncertain import Uncertain
from quimby.devices.counting_device import Device
from quimby.devices.detection import currie, minimum_detectable


@dataclass(frozen=True, slots=True)
class LeastActivity:
    """Least activity that would be detected (95 %), in Bq, of a nuclide in a geometry."""

    nuclide: str
    geometry: str
    bq: Uncertain


@dataclass(frozen=True, slots=True)
class DetectionLimits:
    """Limits in net counts of `time_s`, and the least activity by calibration of that day."""

    time_s: float
    background_cps: float
    decision: float
    detection: float
    least: tuple[LeastActivity, ...]


def detection_limits(device: Device, *, time_s: float, on: dt.date) -> DetectionLimits | None:
    """Currie's limits from the recorded background; None where none is recorded.

    Dead time is left out: at background it takes nothing. E-NUM-NONPOS for the time.
    """
    background = device.background
    if background is None:
        return None
    limits = currie(background.counts, sample_s=time_s, background_s=background.time_s)
    pairs = dict.fromkeys((c.nuclide, c.geometry) for c in device.calibration if c.counts)
    least = tuple(
        LeastActivity(name, geometry, minimum_detectable(
            limits.detection, device.calibration_for(name, geometry, on=on).value, time_s=time_s
        ).scaled(1e6))
        for name, geometry in pairs
    )  # fmt: skip
    rate = background.counts / background.time_s
    return DetectionLimits(time_s, rate, limits.decision, limits.detection, least)
