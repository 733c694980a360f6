"""What publishing a folder of definitions would change, when the folder is the source of truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from semver import Version

from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.model.digests import digest
from airflow_workflow_provider.store.definitions import check_version

if TYPE_CHECKING:
    from airflow_workflow_provider.store.inventory import Inventory, KnownWorkflow
    from airflow_workflow_provider.tasks.documents import Checked


class Action(StrEnum):
    """What happens to a workflow or a task."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    ACTIVATE = "activate"
    """It is stored, but takes no new instances; only pruning changes that."""
    REMOVE = "remove"
    """It is not in the folder: it takes no new instances from then on; only pruning does that."""
    REJECT = "reject"
    """It is invalid, or contradicts what is stored."""


CHANGES: Final = frozenset({Action.CREATE, Action.UPDATE, Action.ACTIVATE, Action.REMOVE})


@dataclass
class Item:
    """One workflow version or task of a plan.

    :param kind: ``workflow`` or ``task``
    :param version: of the document; null of a removal, and for a task
    :param stored: the current version that is stored, null for none
    :param revision: the current revision that is stored, 0 for none: what a publication expects
    :param inactive: whether the stored workflow takes no new instances
    :param live: instances that have not ended, by version; they keep the version with which they started
    :param checked: the document, null of a removal
    """

    action: Action
    kind: str
    id: str | None
    version: str | None = None
    stored: str | None = None
    revision: int = 0
    inactive: bool = False
    live: dict[str, int] = field(default_factory=dict)
    checked: Checked | None = None
    findings: tuple[Diagnostic, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "action": str(self.action),
            "kind": self.kind,
            "id": self.id,
            "version": self.version,
            "storedVersion": self.stored,
            "file": None if self.checked is None else self.checked.file,
            "liveInstances": self.live,
            "diagnostics": [each.as_json() for each in self.findings],
        }


@dataclass(frozen=True)
class Plan:
    """What publishing a folder would change.

    :param revision: the newest revision that was stored when it was made
    :param items: tasks first, then workflows, older versions before newer ones, removals last
    """

    revision: int
    items: tuple[Item, ...]

    def of(self, *actions: Action) -> list[Item]:
        """Return the items of some actions."""
        return [item for item in self.items if item.action in actions]

    @property
    def changes(self) -> list[Item]:
        """What would change."""
        return self.of(*CHANGES)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        counts = {str(action): len(self.of(action)) for action in Action}
        return {"revision": self.revision, "summary": counts, "items": [item.to_json() for item in self.items]}


def plan_of(
    documents: Iterable[Checked],
    inventory: Inventory,
    *,
    force: bool = False,
    wanted: Callable[[str], bool] = lambda _: True,
) -> Plan:
    """Compare checked documents with what is stored.

    :param force: allow versions lower than the current one
    :param wanted: whether a workflow or task is compared, by its id
    """
    tasks, workflows, broken = [], defaultdict(list), []
    for each in documents:
        if each.name is None:
            broken.append(Item(Action.REJECT, "workflow", None, checked=each, findings=each.diagnostics))
        elif not wanted(each.name):
            continue
        elif each.is_task:
            tasks.append(_task(each, inventory))
        else:
            workflows[each.name].append(each)
    items = [item for name in sorted(workflows) for item in _workflow(name, workflows[name], inventory, force=force)]
    removed = [
        Item(Action.REMOVE, "workflow", name, None, known.version, known.revision, live=dict(known.live))
        for name, known in sorted(inventory.workflows.items())
        if known.active and name not in workflows and wanted(name)
    ]
    return Plan(inventory.revision, (*broken, *tasks, *items, *removed))


def _task(checked: Checked, inventory: Inventory) -> Item:
    known = inventory.tasks.get(checked.name or "")
    item = Item(Action.CREATE, "task", checked.name, checked=checked, findings=checked.diagnostics)
    if not checked.valid:
        item.action = Action.REJECT
    elif known is not None:
        item.revision = known.revision
        item.action = Action.UNCHANGED if known.digest == digest(checked.document) else Action.UPDATE
    return item


def _workflow(name: str, documents: Collection[Checked], inventory: Inventory, *, force: bool) -> Iterator[Item]:
    """Yield what becomes of the versions of one workflow, as if each were published after the one before."""
    known = inventory.workflows.get(name)
    head = None if known is None else known.version
    valid = sorted((each for each in documents if _usable(each)), key=_order)
    highest = valid[-1].model.version if valid else None
    for each in documents:
        if not _usable(each):
            yield _item(Action.REJECT, name, each, known)
    for each in valid:
        version = each.model.version
        item = _item(Action.CREATE, name, each, known)
        item.action, conflict = _decide(each, known, head, highest, force=force)
        if conflict is not None:
            item.findings += (diagnostic_of(conflict),)
        if item.action in (Action.CREATE, Action.UPDATE):
            head = version
        if item.action is Action.UNCHANGED and item.inactive and version == highest:
            item.action = Action.ACTIVATE
        yield item


def _decide(
    checked: Checked, known: KnownWorkflow | None, head: str | None, highest: str | None, *, force: bool
) -> tuple[Action, Conflict | None]:
    definition = checked.model
    version, content = definition.version, digest(checked.document)
    if head is None:
        return Action.CREATE, None
    published = None if known is None else known.versions.get(version)
    if published == content and (version == head or version != highest):
        # An older version, beside a newer one in the same folder, is what it was.
        return Action.UNCHANGED, None
    try:
        check_version(definition, content, head, published, force=force)
    except Conflict as error:
        return Action.REJECT, error
    return Action.UPDATE, None


def _item(action: Action, name: str, checked: Checked, known: KnownWorkflow | None) -> Item:
    version = checked.document.get("version")
    item = Item(action, "workflow", name, version if isinstance(version, str) else None)
    item.checked, item.findings = checked, checked.diagnostics
    if known is not None:
        item.stored, item.revision, item.live = known.version, known.revision, dict(known.live)
        item.inactive = not known.active
    return item


def _usable(checked: Checked) -> bool:
    return checked.valid and checked.model is not None


def _order(checked: Checked) -> Version:
    return Version.parse(checked.model.version)


def diagnostic_of(error: Conflict) -> Diagnostic:
    """Return a refusal as a finding about the document."""
    return Diagnostic(error.code, "error", error.pointer or "", error.message, error.suggestion)
