"""Scenarios: tests of definitions as files, run in memory, with the coverage of the ways they take."""
