"""SQLAlchemy's types that the layers above only pass on."""

from sqlalchemy import URL, Connection

__all__ = ["URL", "Connection"]
