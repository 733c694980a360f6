"""UI components of installed packages, by ``componentId`` (rule U1).

A package names them by entry points of the group ``airflow_workflow_provider.ui_components``. The entry point's name is
the componentId; it leads to an object, or to a function without parameters that returns one::

    {"layout": "card", "context": {"title": "Shipment"}, "module": "/shipping/shipment.js"}

``layout`` is how it is drawn where the definition's ``context`` names none, ``context`` what that has by default, and
``module`` the address of a JavaScript module that draws it instead. All of them may be left out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.definition import UiComponent, UiContext
from airflow_workflow_provider.model.ui import COMPONENT_LAYOUTS, LAYOUTS
from airflow_workflow_provider.model.words import listed, shown
from airflow_workflow_provider.vocabulary import ProblemCode

log = logging.getLogger(__name__)

GROUP: Final = "airflow_workflow_provider.ui_components"


@dataclass(frozen=True)
class ComponentKind:
    """A component of an installed package.

    :param layout: how it is drawn where the definition does not say
    :param module: address of the JavaScript module that draws it; None: its layout does
    :param context: the defaults of its ``context``
    """

    layout: str | None = None
    module: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


class ComponentRegistry:
    """The components that are known in this process."""

    def __init__(self, points: Iterable[EntryPoint] | None = None) -> None:
        self.kinds: dict[str, ComponentKind] = {name: ComponentKind(each) for name, each in COMPONENT_LAYOUTS.items()}
        for point in entry_points(group=GROUP) if points is None else points:
            try:
                self._add(point)
            except Exception as error:  # third-party code: whatever it raises affects its own component only
                log.warning("The UI component %r of %s cannot be used: %s", point.name, point.value, error)

    @property
    def layouts(self) -> dict[str, str]:
        """The default layouts of components."""
        return {name: kind.layout for name, kind in self.kinds.items() if kind.layout is not None}

    def module(self, component_id: str) -> str | None:
        """Return the address of the module that draws a component."""
        kind = self.kinds.get(component_id)
        return None if kind is None else kind.module

    def completed(self, components: Iterable[UiComponent]) -> tuple[UiComponent, ...]:
        """Return components with the defaults of their kinds."""
        return tuple(self._completed(each) for each in components)

    def _completed(self, component: UiComponent) -> UiComponent:
        kind = self.kinds.get(component.component_id)
        if kind is None or not kind.context:
            return component
        given = component.context.model_dump(by_alias=True, exclude_unset=True)
        context = UiContext.model_validate({**kind.context, **given}, strict=False)
        return component.model_copy(update={"context": context})

    def _add(self, point: EntryPoint) -> None:
        if point.name in self.kinds:
            message = "the id is taken"
            raise Misuse(message, code=ProblemCode.DUPLICATE_COMPONENT)
        loaded = point.load()
        self.kinds[point.name] = kind_of(loaded() if callable(loaded) else loaded)


def kind_of(given: Any) -> ComponentKind:
    """Return the kind that an entry point describes.

    :raises Misuse: it is none
    """
    if not isinstance(given, Mapping):
        message = f"it must be an object with layout, module or context, not {shown(given)}"
        raise Misuse(message, code=ProblemCode.BAD_COMPONENT)
    unknown = set(given) - {"layout", "module", "context"}
    if unknown:
        message = f"unknown keys {listed(unknown)}; allowed are 'context', 'layout', 'module'"
        raise Misuse(message, code=ProblemCode.BAD_COMPONENT)
    layout, module = given.get("layout"), given.get("module")
    if layout is not None and layout not in LAYOUTS:
        message = f"unknown layout {shown(layout)}; the layouts are {listed(LAYOUTS)}"
        raise Misuse(message, code=ProblemCode.BAD_COMPONENT)
    if module is not None and not _is_address(module):
        message = f"module {shown(module)} is neither a path of this server (/…) nor an https address"
        raise Misuse(message, code=ProblemCode.BAD_COMPONENT)
    context = given.get("context") or {}
    UiContext.model_validate(context, strict=False)
    return ComponentKind(layout, module, dict(context))


@cache
def component_registry() -> ComponentRegistry:
    """Return the components of this process, looked up once."""
    return ComponentRegistry()


def _is_address(module: Any) -> bool:
    return isinstance(module, str) and (
        module.startswith("https://") or (module.startswith("/") and not module.startswith("//"))
    )
