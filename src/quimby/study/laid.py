"""Where every scan lies to the outlines: by the CTs, or by the activity where one is missing."""

from __future__ import annotations

from quimby.core.grid import Rigid
from quimby.devices.camera import CameraRecord
from quimby.measure.activity_body import body_of_activity
from quimby.measure.partial_volume import REGISTRATION_U_MM
from quimby.measure.regions import Regions, edge_u_mm, prepare
from quimby.measure.registration import Registration, register
from quimby.measure.segment.made import voxel_mm
from quimby.measure.spect_registration import (
    CT_U_MM,
    SCANS_U_MM,
    USUAL_FWHM_MM,
    Laying,
    laying,
    register_on_activity,
)
from quimby.study.frames import frames_checked, frames_differ
from quimby.study.inputs import Inputs, Visit
from quimby.study.progress import Progress, Step

HARDWARE_U_MM = 0.5
"""Standard uncertainty of SPECT on its own CT, per axis: the scanner's alignment [P]."""
ALIKE = 0.01  # relative, of voxels that are those of a scan


def ready(inputs: Inputs) -> Regions:
    """The outlines made ready, with the body they lie in.

    An edge drawn on a scan of activity is known as well as the scan's blur allows, unless the
    file of the outline says better.
    """
    image, width = inputs.outlined_image, _width_mm(inputs.camera)
    edges = {o.name: o.made.edge_u_mm for o in inputs.outlines if o.made and o.made.edge_u_mm}
    if inputs.reference_ct is not None:
        return prepare(inputs.outlines, image, edge_mm={**_on_scans(inputs, width), **edges})
    return prepare(inputs.outlines, image, edge_mm=edges, ct_fwhm_mm=width,
                   otherwise=body_of_activity(image, where=inputs.reference))  # fmt: skip


def _width_mm(camera: CameraRecord) -> float:
    return camera.point_spread.fwhm_mm if camera.point_spread else USUAL_FWHM_MM


def _on_scans(inputs: Inputs, width_mm: float) -> dict[str, float]:
    """Edges of masks on the voxels of a SPECT, though there is a CT."""
    scans = [v.scan.image.grid for v in inputs.visits if v.id == inputs.reference]
    found = {}
    for outline in inputs.outlines:
        if outline.mask is None or not scans:
            continue
        own, theirs = outline.mask.grid.spacing_mm, scans[0].spacing_mm
        if all(abs(a / b - 1) < ALIKE for a, b in zip(own, theirs, strict=True)):
            found[outline.name] = edge_u_mm(voxel_mm(scans[0]), width_mm)
    return found


def registrations(inputs: Inputs, regions: Regions, progress: Progress) -> dict[str, Registration]:
    """From the place of the outlines to every scan.

    CT on CT where both have one; else the outlines on the scan's activity. A scan in another
    frame of reference than its CT is held against its activity (`frames_checked`).
    """
    found: dict[str, Registration] = {}
    made: Laying | None = None
    for number, visit in enumerate(inputs.visits, start=1):
        progress(Step("register", f"scan {number} of {len(inputs.visits)}"))
        fixed = inputs.reference_ct
        if visit.id == inputs.reference:
            found[visit.id] = Registration(Rigid.identity(), 1.0, 1.0, 1.0, 0.0, (0.0, 0.0, 0.0))
        elif fixed is not None and visit.ct is not None:
            found[visit.id] = register(fixed.image, visit.ct.image, where=visit.id)
        else:
            made = made or laying(regions, fwhm_mm=_width_mm(inputs.camera))
            found[visit.id] = register_on_activity(made, visit.scan.image, where=visit.id)
        if frames_differ(visit):
            made = made or laying(regions, fwhm_mm=_width_mm(inputs.camera))
            found[visit.id] = frames_checked(found[visit.id], visit, made)
    return found


def way_of_laying(inputs: Inputs) -> str:
    """How the scans were laid on the reference, in words."""
    others = [v for v in inputs.visits if v.id != inputs.reference]
    by_ct = [v.ct is not None and inputs.reference_ct is not None for v in others]
    ways = []
    if any(by_ct):
        ways.append("CT to CT, least squares with robust weights")
    if not all(by_ct):
        ways.append("outlines, blurred as the camera blurs, on the scan's activity, each region's "
                    "concentration free")  # fmt: skip
    return "rigid; " + "; ".join(ways) if ways else "none needed"


def place_u_mm(inputs: Inputs, visit: Visit) -> float:
    """Standard uncertainty of a scan's place to the outlines, along each axis."""
    if frames_differ(visit):
        return CT_U_MM
    if visit.id == inputs.reference:
        return HARDWARE_U_MM if visit.ct else 0.0
    if inputs.reference_ct is None:
        return SCANS_U_MM
    return REGISTRATION_U_MM if visit.ct else CT_U_MM
