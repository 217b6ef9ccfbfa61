"""Dose-volume figures, biologically effective dose, limits."""
