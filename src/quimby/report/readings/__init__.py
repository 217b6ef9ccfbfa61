"""The report of studies by readings without a camera: its sentences, tables and document."""
