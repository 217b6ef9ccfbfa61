"""Scans without attenuation correction: refused, or taken as shares of what is in view."""

from __future__ import annotations

from quimby.core.grid import Image
from quimby.core.notes import Note, note, refusal
from quimby.devices.camera import CameraRecord
from quimby.measure.scans import EmissionScan
from quimby.study.document import Spect

ATTENUATION = "ATTN"
RELATIVE = "none, patient-relative"
UNIFORM_U = 0.05
"""Relative standard uncertainty of activity in the abdomen where attenuation was corrected as if
the body were uniform [P]."""
IN_VIEW_U = 0.10
"""Of the activity in view where nobody says [P]."""
RELATIVE_U = 0.25
"""The same where it was not corrected at all and regions are compared by their counts: depths
3 cm apart at 208 keV differ by a third [P]."""


def check_attenuation(asked: Spect, scan: EmissionScan, camera: CameraRecord) -> None:
    """E-ATTENUATION-NONE and -PHANTOM where scan and calibration were not corrected alike.

    A file that lists no corrections at all is believed to have them, as it is for scatter.
    """
    if asked.attenuation is not None:
        if asked.attenuation == RELATIVE and asked.in_view is None:
            problem = f"attenuation is {RELATIVE!r}, and in_view is missing."
            raise refusal("E-STUDY-KEY", where=f"measurement {asked.id}", problem=problem)
        return
    said, before = scan.device.corrections, camera.reconstruction.corrections
    if said and ATTENUATION not in said:
        raise refusal("E-ATTENUATION-NONE", where=asked.id)
    if before and ATTENUATION not in before and ATTENUATION in said:
        raise refusal("E-ATTENUATION-PHANTOM", where=asked.id)


def relative_activity(asked: Spect, image: Image) -> tuple[Image, dict[str, float], list[Note]]:
    """MBq/ml of a scan that shows shares of the activity in view, with its relative doubts.

    c = A x counts / sum of counts. All that is in view must be in `in_view`.
    """
    assert asked.in_view is not None
    total = float(image.values.sum())
    if not total > 0:
        raise refusal("E-IMG-EMPTY", where=asked.id)
    scale = asked.in_view / (total * image.grid.voxel_ml)
    known = IN_VIEW_U if asked.in_view_u is None else asked.in_view_u
    shared = {f"activity in view, {asked.id}": known, "no attenuation correction": RELATIVE_U}
    said = note("S-ATTENUATION-RELATIVE", where=asked.id, value=asked.in_view, u=RELATIVE_U)
    return Image(image.grid, image.values * scale, "MBq/ml"), shared, [said]


def uniform_doubt(where: str) -> tuple[dict[str, float], list[Note]]:
    """What a correction without the patient's own map of attenuation adds."""
    told = note("W-ATTENUATION-UNIFORM", where=where, value=UNIFORM_U)
    return {"attenuation without a CT": UNIFORM_U}, [told]
