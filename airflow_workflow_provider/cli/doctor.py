"""``doctor``: check the components and their configuration, and print each finding with its fix."""

from __future__ import annotations

import json
import os
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_workflow_provider import __version__
from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.console import print_json, print_line, print_rows
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.cli.standalone import running_environment
from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.settings import load_settings

if TYPE_CHECKING:
    from airflow_workflow_provider.settings import Settings
    from airflow_workflow_provider.store.database import Database

Level = Literal["ok", "warning", "error"]

BUNDLE: Final = "airflow_workflow_provider.bundles.workflow.WorkflowDagBundle"
BUNDLES_VARIABLE: Final = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
FOLDER_VARIABLE: Final = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"
SEEN_WITHIN: Final = timedelta(hours=1)
"""A host that nobody has seen for longer is not looked at."""

QUESTIONS: Final = 200
"""Open questions that are looked at, the oldest first."""

COLUMNS: Final = {"level": "", "check": "check", "message": "finding", "fix": "what to do"}


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    :param fix: what to do about it; empty where all is well
    """

    check: str
    level: Level
    message: str
    fix: str = ""


def doctor(options: Namespace) -> int:
    """Look at everything; exit code 1 where something does not work."""
    found = list(examine())
    rows = [{"level": each.level, "check": each.check, "message": each.message, "fix": each.fix} for each in found]
    has_failed = any(each.level == "error" for each in found)
    if options.output == "json":
        print_json({"healthy": not has_failed, "findings": rows})
    else:
        print_rows("table", COLUMNS, rows)
        number = sum(1 for each in found if each.level != "ok")
        print_line(f"{number} findings." if number else "No problems found.")
    return FAILED if has_failed else FINE


def examine() -> Iterator[Finding]:
    """Yield what is found, of each check at least one finding."""
    try:
        settings = load_settings()
    except WorkflowsError as error:
        yield _failed("configuration", error)
        return
    yield Finding("configuration", "ok", "Every option of [workflows] can be read")
    yield from _guarded("bundle", _bundle)
    yield from _disks(settings)
    yield from _guarded("database", lambda: _database(settings))
    yield from _guarded("api-server", _api_server)


def _guarded(check: str, work: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from work()
    except WorkflowsError as error:
        yield _failed(check, error)


def _failed(check: str, error: WorkflowsError) -> Finding:
    return Finding(check, "error", error.message, error.suggestion or "")


# The bundle


def _bundle() -> Iterator[Finding]:
    configured = _configured_bundles()
    if configured is None:
        message = "Airflow's configuration is not available here"
        yield Finding("bundle", "warning", message, "run it as 'airflow workflows'")
        return
    bundles = [each for each in configured if isinstance(each, dict)]
    ours = [each for each in bundles if each.get("classpath") == BUNDLE]
    repeated = [name for name, number in Counter(str(each.get("name")) for each in bundles).items() if number > 1]
    if repeated:
        # Airflow takes the last one and does not say so.
        message = f"[dag_processor] dag_bundle_config_list names {', '.join(map(repr, repeated))} more than once"
        yield Finding("bundle", "error", message, "give each bundle a name of its own: Airflow uses only the last one")
    if not ours:
        fix = "add it there, or put workflow_factory.py into a folder of DAGs: see the deployment page"
        yield Finding("bundle", "warning", "[dag_processor] dag_bundle_config_list has no WorkflowDagBundle", fix)
    elif len(ours) > 1:
        message = f"[dag_processor] dag_bundle_config_list has {len(ours)} bundles with WorkflowDagBundle"
        yield Finding("bundle", "error", message, "keep one: each of them brings every workflow")
    elif not repeated:
        yield Finding("bundle", "ok", "WorkflowDagBundle is configured")


def _configured_bundles() -> list[Any] | None:
    given = _airflow_option(BUNDLES_VARIABLE)
    if given is None:
        return None
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _airflow_option(variable: str) -> str | None:
    """Return an option of Airflow, given by its variable; None if Airflow is not installed here, or has no value."""
    local = running_environment()
    given = os.environ.get(variable) or (local.variables() if local else {}).get(variable)
    if given is not None:
        return given
    try:
        from airflow.configuration import conf
    except ImportError:
        return None
    _, section, name = variable.lower().split("__")
    return conf.get(section, name, fallback=None)


def _disks(settings: Settings) -> Iterator[Finding]:
    """Check the folders that a component on this machine writes."""
    kept = settings.spool_folder
    lost = f"Results cannot be kept in {kept} while the workflow database is away"
    yield _disk(kept, f"Results can be kept in {kept}", lost, "warning", "[workflows] spool_folder")
    # Airflow's own default.
    bundles = Path(_airflow_option(FOLDER_VARIABLE) or Path(tempfile.gettempdir(), "airflow", "dag_bundles"))
    refused = f"The dag-processor and workers cannot write DAG files to {bundles}"
    option = "[dag_processor] dag_bundle_storage_path"
    yield _disk(bundles, f"DAG files can be written to {bundles}", refused, "error", option)


def _disk(folder: Path, well: str, refused: str, level: Level, option: str) -> Finding:
    """Return what is said of a folder: that files can be made there, or that they cannot, and why.

    :param level: of the finding that they cannot
    :param option: names the folder
    """
    reason = _why_not_writable(folder)
    if reason is None:
        return Finding("disk", "ok", well)
    fix = f"make it a folder that this account may write, or name another one in {option}"
    return Finding("disk", level, f"{refused}: {reason}", fix)


def _why_not_writable(folder: Path) -> str | None:
    """Return why no file can be made in a folder, which is made when it is needed; None if one can."""
    made = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=made) as file:
            file.write(b"1")
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return None


# The database


def _database(settings: Settings) -> Iterator[Finding]:
    from airflow_workflow_provider.store.diagnosis import diagnose
    from airflow_workflow_provider.store.migrate import check

    with open_database(checked=False) as database:
        state = check(database.url)
        found = diagnose(database, settings.role_prefix)
        yield Finding("database", "ok", f"PostgreSQL {found.server} answers at {database.name}")
        if found.is_read_only:
            fix = "connect to the primary, or end the failover"
            yield Finding("database", "error", "The database is read-only", fix)
        level: Level = "ok" if state.ok else "error"
        yield Finding("migrations", level, state.summary, "" if state.ok else "airflow-workflows db migrate")
        yield from _permissions(found.unreadable, found.missing_roles)
        yield _clock(found.skew)
        if state.ok and not found.unreadable:
            yield from _hosts(database)
            yield from _work(database, settings)


def _permissions(unreadable: tuple[str, ...], missing: tuple[str, ...]) -> Iterator[Finding]:
    if unreadable:
        fix = "airflow-workflows db roles gives each role its rights"
        yield Finding("permissions", "error", f"This account may not read {', '.join(unreadable)}", fix)
    if missing:
        fix = "airflow-workflows db roles creates them; without them every component connects as the owner"
        yield Finding("permissions", "warning", f"The roles {', '.join(missing)} do not exist", fix)
    if not unreadable and not missing:
        yield Finding("permissions", "ok", "The roles of the components exist")


def _clock(skew: timedelta, host: str = "this machine") -> Finding:
    from airflow_workflow_provider.store.hosts import SKEW_ERROR, SKEW_WARNING

    seconds = abs(skew)
    level: Level = "ok" if seconds < SKEW_WARNING else "warning" if seconds < SKEW_ERROR else "error"
    message = f"The clocks of {host} and of the database differ by {seconds.total_seconds():.1f} s"
    return Finding("clock", level, message, "" if level == "ok" else "synchronize the clocks with NTP")


def _hosts(database: Database) -> Iterator[Finding]:
    """Compare version and clock of each host on which a component has worked lately."""
    from airflow_workflow_provider.store.hosts import hosts_seen

    with database.begin() as connection:
        hosts = hosts_seen(connection, SEEN_WITHIN)
    others = [host for host in hosts if host.version != __version__]
    for host in others:
        message = f"Host {host.name} has version {host.version}, this command {__version__}"
        message += f" (seen {round(host.age.total_seconds() / 60)} min ago)"
        yield Finding("versions", "warning", message, "install the same version on every component")
    if hosts and not others:
        yield Finding("versions", "ok", f"Version {__version__} on the {len(hosts)} hosts seen in the last hour")
    for host in hosts:
        found = _clock(host.ahead, f"host {host.name}")
        if found.level != "ok":
            yield found


def _work(database: Database, settings: Settings) -> Iterator[Finding]:
    from airflow_workflow_provider.store.backlog import read_backlog
    from airflow_workflow_provider.store.comparing import Comparisons

    backlog = read_backlog(database)
    if backlog.dead_letters:
        fix = "airflow-workflows events deliveries --status dead; fix the reason, then events redrive"
        yield Finding("events", "warning", f"{backlog.dead_letters} dead letters", fix)
    else:
        yield Finding("events", "ok", "No dead letters")
    comparisons = Comparisons(database)
    restored = comparisons.restored()
    if restored:
        message = f"{restored} instances are suspended because the workflow database was restored from an older backup"
        fix = "instances list --status suspended; look at each, then resume or cancel it: see the operations page"
        yield Finding("backup", "warning", message, f"airflow-workflows {fix}")
    else:
        yield Finding("backup", "ok", "No instance is older than what its tasks have stored")
    left = comparisons.left()
    if left:
        message = f"{left} instances do not agree with their DAG run and were not fixed"
        yield Finding("reconciliation", "error", message, "airflow-workflows reconcile shows why")
    else:
        yield Finding("reconciliation", "ok", "Instances and DAG runs agree, as of the last comparison")
    yield from _questions(database, settings)


def _questions(database: Database, settings: Settings) -> Iterator[Finding]:
    from airflow_workflow_provider.people.directory import Directory
    from airflow_workflow_provider.store.questions import QuestionFilter, Questions

    directory, unanswerable = Directory.configured(settings), 0
    for question in Questions(database).page(QuestionFilter(), limit=QUESTIONS).items:
        unknown = set(directory.unknown(question.assignees))
        asked = [name for names in (question.assignees or {}).values() for name in names]
        if asked and len(unknown) == len(asked):
            unanswerable += 1
            message = f"Nobody can answer question {question.id} of workflow {question.workflow_id}: {sorted(unknown)}"
            fix = "airflow-workflows questions delegate, or give somebody the role ([workflows] resolvers, people)"
            yield Finding("questions", "warning", message, fix)
    if not unanswerable:
        yield Finding("questions", "ok", "Somebody can answer each open question, as far as is known here")


# The api-server


def _api_server() -> Iterator[Finding]:
    from airflow_workflow_provider.cli.running import api_client

    with api_client() as client:
        report = client.health_of_workflows()
        level: Level = {"healthy": "ok", "degraded": "warning"}.get(report["status"], "error")  # type: ignore[assignment]
        bad = sorted(name for name, check in report["checks"].items() if check["status"] != "healthy")
        message = f"The api-server reports workflows as {report['status']}" + (f": {', '.join(bad)}" if bad else "")
        yield Finding("api-server", level, message, "" if level == "ok" else "see the runbooks in the operations page")
        version = client.workflows("GET", "/openapi.json")["info"]["version"]
    if version == __version__:
        yield Finding("versions", "ok", f"The api-server and this command have version {version}")
    else:
        message = f"The api-server has version {version}, this command {__version__}"
        yield Finding("versions", "warning", message, "install the same version on every component")
