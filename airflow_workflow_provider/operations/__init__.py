"""Use cases: start, operate, run again and answer, with the same rules for every interface."""
