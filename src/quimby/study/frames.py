"""A scan whose CT names another frame of reference: do the two lie on each other?

Some scanners and archives give each its own frame though their coordinates are one; a CT of
another table or hour has a frame of its own for good reason. The activity tells them apart.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quimby.core.notes import note, refusal
from quimby.measure.registration import Registration
from quimby.measure.spect_registration import Laying, register_on_activity
from quimby.study.inputs import Visit

APART_MM = 10.0  # [P] three standard uncertainties of a scan laid by its activity on a CT


def frames_differ(visit: Visit) -> bool:
    """Whether scan and CT both name a frame of reference, and not the same."""
    if visit.ct is None:
        return False
    own, other = visit.scan.frame_of_reference, visit.ct.frame_of_reference
    return bool(own and other and own != other)


def frames_checked(by_ct: Registration, visit: Visit, made: Laying) -> Registration:
    """The registration by CT, with W-IMG-FRAMES-CT; its coordinates are those of the scan.

    E-IMG-FRAMES where the outlines, laid on the scan's activity, come to lie more than 10 mm
    from where the CT puts them. A check that cannot be trusted brings its own S-REG-SPECT.
    """
    by_activity = register_on_activity(made, visit.scan.image, where=visit.id)
    middle = made.fine.points_mm.mean(axis=0)
    apart = by_activity.transform.apply(middle) - by_ct.transform.apply(middle)
    mm = float(np.linalg.norm(apart))
    doubted = tuple(n for n in by_activity.notes if n.code == "S-REG-SPECT")
    if mm > APART_MM and not doubted:
        raise refusal("E-IMG-FRAMES", where=visit.id, value=mm, limit=APART_MM)
    said = note("W-IMG-FRAMES-CT", where=visit.id, value=mm, limit=APART_MM)
    return replace(by_ct, notes=(*by_ct.notes, *doubted, said))
