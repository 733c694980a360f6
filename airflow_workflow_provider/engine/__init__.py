"""The semantics of a definition: control flow and state as pure functions."""
