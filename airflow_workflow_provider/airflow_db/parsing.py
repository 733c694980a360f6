"""Having Airflow's dag-processor read some files before all others, as its API does for users who ask for it.

Needs Airflow's metadata database, and a table of Airflow that is no public interface.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

log = logging.getLogger(__name__)


def read_first(bundle_name: str, files: Collection[str]) -> None:
    """Ask for files of a bundle to be read next; what cannot be asked for is read in Airflow's own order.

    :param files: their names relative to the bundle's folder
    """
    table = DagPriorityParsingRequest
    try:
        with create_session() as session:
            known = set(session.scalars(select(table.relative_fileloc).where(table.bundle_name == bundle_name)))
            session.add_all(table(bundle_name, name) for name in sorted(set(files) - known))
    except IntegrityError:
        # Another dag-processor has just asked for one of them.
        return
    except SQLAlchemyError as error:
        log.warning("Airflow reads the changed workflows in its own order: %s", error)
