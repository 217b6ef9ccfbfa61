"""A made-up patient with known truth: shapes, kinetics, a camera, and the DICOM it hands over."""
