"""Measurements of speed and coverage, run by hand or in small by the tests."""
