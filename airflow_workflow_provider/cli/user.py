"""The user of the machine, as the audit log names them."""

from __future__ import annotations

import getpass


def user_name() -> str | None:
    """Return the name of the user, or nothing where they have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # a container may run under a number that has no name
        return None
