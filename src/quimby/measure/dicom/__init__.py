"""DICOM in: what lies in a folder, scans as values, outlines."""

from quimby.measure.dicom.ct import read_ct
from quimby.measure.dicom.emission import read_emission
from quimby.measure.dicom.outlines import OutlineFile, read_outline_file, read_outlines
from quimby.measure.dicom.survey import Series, Survey, survey

__all__ = [
    "OutlineFile",
    "Series",
    "Survey",
    "read_ct",
    "read_emission",
    "read_outline_file",
    "read_outlines",
    "survey",
]
