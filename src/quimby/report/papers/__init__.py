"""Advice on paper: what a centre prepares, how its year looks, when a patient comes."""
