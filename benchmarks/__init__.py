"""Measures what has to be fast: ``make bench``."""
