"""People: roles and groups of users, and notifiers."""
