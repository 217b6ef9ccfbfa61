"""Why a folder's scans cannot serve dosimetry, said before anything is asked about them."""

from __future__ import annotations

from collections.abc import Iterable

from quimby.core.errors import QuimbyError
from quimby.measure import fitness, planar_scan
from quimby.measure.dicom import Series, Survey, read_emission
from quimby.measure.dicom.planar import read_planar

PLANAR = ("planar", "whole body", "other")
OTHER_KIND = ("E-DCM-SOP", "E-PLN-KIND", "E-DCM-IMAGE-TYPE")
"""Said of a file that is no scan of that sort at all: no reason about dosimetry."""


def check_scans(scans: Iterable[Series]) -> None:
    """E-DCM-UNFIT for a reconstructed scan that lost its place in the patient.

    What else is wrong with a file is said when a run reads it.
    """
    for series in scans:
        try:
            scan = read_emission(series.files)
        except QuimbyError:
            continue
        fitness.check_for_dosimetry(scan)


def check_instead(seen: Survey) -> None:
    """The refusal of what lies in a folder instead of SPECT, where that has its own reason.

    A PET scan whose values cannot become activity (E-DCM-UNITS) or that lost its place, a
    single view (E-PLN-ONE-VIEW), a planar scan without its window (E-PLN-NO-WINDOW). Of several
    planar series each may hold one view, so nothing is said of them.
    """
    for series in seen.of("pet"):
        fitness.check_for_dosimetry(read_emission(seen.files_for(series)))
    planar = seen.of(*PLANAR)
    if len(planar) == 1:
        _check_planar(planar[0])


def _check_planar(series: Series) -> None:
    try:
        planar_scan.check_for_dosimetry(read_planar(series.files))
    except QuimbyError as error:
        if error.code not in OTHER_KIND:
            raise
