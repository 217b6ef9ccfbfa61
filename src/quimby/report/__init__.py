"""Files for people and programs: PDF, JSON, CSV, DICOM."""
