"""Use cases: start, steer, run again and answer, with the same rules for every way in."""
