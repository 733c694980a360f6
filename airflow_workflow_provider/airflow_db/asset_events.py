"""Copies Airflow's asset events into the events of workflows, which delivers both in one way (rules E1, E4).

Airflow's table of asset events is read, rather than a listener trusted or a schedule given to the DAG; see
``docs/decisions/assets.md`` for why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session
from sqlalchemy import func, select

from airflow_workflow_provider.airflow_db.table_follower import Follower
from airflow_workflow_provider.model.events import MAX_TYPE, CloudEvent
from airflow_workflow_provider.model.patterns import MAX_SEGMENTS
from airflow_workflow_provider.store.events import accept
from airflow_workflow_provider.store.matching import named_literally

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_workflow_provider.store.database import Database

CURSOR: Final = "airflow-assets"
SOURCE: Final = "/airflow/assets/"
LIMIT: Final = 500


@dataclass(frozen=True)
class _Found:
    id: int
    name: str
    uri: str
    extra: dict[str, Any]
    timestamp: datetime
    partition_key: str | None
    source_dag_id: str | None
    source_run_id: str | None
    source_task_id: str | None


class AssetForwarder:
    """Takes over Airflow's asset events. Needs Airflow's metadata database.

    :param database: where events are kept
    """

    def __init__(self, database: Database) -> None:
        self._follower = Follower(database, CURSOR, _newest, _newest_before, _read, _take_over)

    def forward(self) -> None:
        """Take over what has come.

        Assets that no pattern names are passed over. An asset event is taken over once, by whichever process is first.
        """
        self._follower.follow()


def _take_over(connection: Connection, found: Sequence[_Found]) -> tuple[int, ...]:
    names = {each.name for each in found if _may_be_a_type(each.name)}
    wanted = named_literally(connection, names) if names else set()
    accept(connection, [event_of(each) for each in found if each.name in wanted])
    return ()


def event_of(found: _Found) -> CloudEvent:
    """The event that an asset event is: its type is the asset's name, its data Airflow's ``extra``.

    :param found: a row of Airflow's asset events with the asset's name and URI
    """
    moment = found.timestamp.astimezone(UTC)
    document: dict[str, Any] = {
        "specversion": "1.0",
        # Airflow counts from 1 again in a new metadata database.
        "id": f"{found.id}/{moment.isoformat()}",
        "source": SOURCE + quote(found.name, safe=""),
        "type": found.name,
        "subject": found.uri or None,
        "time": moment,
        "datacontenttype": "application/json",
        "data": found.extra or {},
        "partitionkey": found.partition_key,
        "sourcedagid": found.source_dag_id,
        "sourcerunid": found.source_run_id,
        "sourcetaskid": found.source_task_id,
    }
    return CloudEvent.model_construct(**document)


def _read(after: int) -> list[_Found]:
    query = (
        select(
            AssetEvent.id,
            AssetModel.name,
            AssetModel.uri,
            AssetEvent.extra,
            AssetEvent.timestamp,
            AssetEvent.partition_key,
            AssetEvent.source_dag_id,
            AssetEvent.source_run_id,
            AssetEvent.source_task_id,
        )
        .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        .where(AssetEvent.id > after)
        .order_by(AssetEvent.id)
        .limit(LIMIT)
    )
    with create_session() as session:
        return [_Found(*row) for row in session.execute(query).all()]


def _newest() -> int:
    with create_session() as session:
        return int(session.scalar(select(func.coalesce(func.max(AssetEvent.id), 0))) or 0)


def _newest_before(moment: datetime) -> int:
    with create_session() as session:
        query = select(func.coalesce(func.max(AssetEvent.id), 0)).where(AssetEvent.timestamp < moment)
        return int(session.scalar(query) or 0)


def _may_be_a_type(name: str) -> bool:
    return len(name) <= MAX_TYPE and name.count(".") < MAX_SEGMENTS
