"""Commissioning and constancy of a camera, each measurement with what its certificate says."""
