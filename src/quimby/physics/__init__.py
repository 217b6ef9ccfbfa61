"""Nuclides, decay, materials: facts with their sources."""
