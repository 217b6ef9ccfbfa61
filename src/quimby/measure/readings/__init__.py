"""Readings that are not images: tables of counts, dose rates, samples and ultrasound."""
