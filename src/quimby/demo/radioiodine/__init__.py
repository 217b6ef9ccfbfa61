"""Invented patients treated with 131I: kinetics, readings as written down, and the truth."""
