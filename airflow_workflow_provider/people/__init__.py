"""People: who is in which role and group, and how they are told."""
