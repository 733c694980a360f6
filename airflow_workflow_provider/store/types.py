"""SQLAlchemy's types that the rooms above only hand on."""

from sqlalchemy import URL, Connection

__all__ = ["URL", "Connection"]
