"""What a definition means: control flow and state as pure functions."""
