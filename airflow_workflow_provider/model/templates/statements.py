"""Evaluates the statements of a template, and the template as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from jinja2 import nodes

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.values import plain, well_formed
from airflow_workflow_provider.model.templates.evaluation import Evaluator
from airflow_workflow_provider.model.templates.values import Loop, Macro, Namespace, Safe, Scope, Undefined

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.budget import Budget

_INNER_NAMES: Final = frozenset({"caller", "varargs", "kwargs"})


class Rendering(Evaluator):
    """One rendering of a template.

    :param values: the names that it sees
    :param strict: whether what is not there is an error; else it is an empty text
    :param budget: what it may take, where several templates share that
    :param html: whether the result is HTML, so that values in it are escaped
    """

    def __init__(
        self, values: Mapping[str, Any], *, strict: bool = True, budget: Budget | None = None, html: bool = False
    ) -> None:
        super().__init__(values, strict=strict, budget=budget, html=html)
        self._used: dict[int, frozenset[str]] = {}

    def result(self, template: nodes.Template) -> Any:
        """Return what the template gives: the value of its only expression, else text."""
        value = self._joined(template.body, Scope())
        if isinstance(value, str):
            return well_formed(str(value))
        if type(value) in (list, dict) and not self.budget.is_made(value):
            return value
        return plain(value)

    def _joined(self, body: list[nodes.Node], scope: Scope) -> Any:
        """Return the value of the only expression of a body, else its parts as one text."""
        parts: list[Any] = []
        self._run(body, scope, parts)
        if len(parts) == 1 and not self.html:
            return parts[0]
        texts = [self.text(part) for part in parts]
        self.budget.characters(sum(map(len, texts)))
        return Safe("".join(texts)) if self.html else "".join(texts)

    def _run(self, body: list[nodes.Node], scope: Scope, parts: list[Any]) -> None:
        for node in body:
            self.budget.spend()
            _RUN[type(node)](self, node, scope, parts)

    def _output(self, node: nodes.Output, scope: Scope, parts: list[Any]) -> None:
        for each in node.nodes:
            if isinstance(each, nodes.TemplateData):
                parts.append(each.data)
            else:
                value = self.value(each, scope)
                parts.append(self.escaped(value) if self.html else value)

    def _if(self, node: nodes.If, scope: Scope, parts: list[Any]) -> None:
        for branch in (node, *node.elif_):
            if self.value(cast("nodes.Expr", branch.test), scope):
                self._run(branch.body, scope, parts)
                return
        self._run(node.else_, scope, parts)

    def _for(self, node: nodes.For, scope: Scope, parts: list[Any]) -> None:
        entries = self.entries_of(self.value(cast("nodes.Expr", node.iter), scope))
        if node.test is not None:
            entries = [each for each in entries if self._is_wanted(node, each, scope)]
        outer = scope.find("loop")
        depth = outer["depth"] + 1 if isinstance(outer, Loop) else 1
        # How many entries there are must not decide on the type of the result: what a loop gives is text.
        inside: list[Any] = []
        for index, each in enumerate(entries):
            inner = scope.inner({"loop": _loop(entries, index, depth)})
            self._assign(node.target, each, inner)
            self._run(node.body, inner, inside)
        if not entries:
            self._run(node.else_, scope.inner(), inside)
        parts.extend(self.text(part) for part in inside)

    def _is_wanted(self, node: nodes.For, entry: Any, scope: Scope) -> bool:
        inner = scope.inner()
        self._assign(node.target, entry, inner)
        return node.test is not None and bool(self.value(cast("nodes.Expr", node.test), inner))

    def _set(self, node: nodes.Assign, scope: Scope, _: list[Any]) -> None:
        self._assign(node.target, self._to_assign(cast("nodes.Expr", node.node), scope), scope)

    def _set_block(self, node: nodes.AssignBlock, scope: Scope, _: list[Any]) -> None:
        value = self._joined(node.body, scope.inner())
        if node.filter is not None:
            value = self._through(node.filter, value, scope)
        self._assign(node.target, value, scope)

    def _to_assign(self, node: nodes.Expr, scope: Scope) -> Any:
        value = self.maybe(node, scope)
        call = node.node if isinstance(node, nodes.Call) else None
        if isinstance(call, nodes.Name) and call.name == "namespace" and isinstance(value, dict):
            return Namespace(value)
        return value

    def _assign(self, target: nodes.Node, value: Any, scope: Scope) -> None:
        self.budget.spend()
        if isinstance(target, nodes.Tuple):
            entries = self.entries_of(self.required(value))
            if len(entries) != len(target.items):
                message = f"{len(target.items)} names cannot be assigned {len(entries)} entries"
                raise ExpressionFailure(message)
            for each, entry in zip(target.items, entries, strict=True):
                self._assign(each, entry, scope)
        elif isinstance(target, nodes.NSRef):
            found = scope.find(target.name)
            if not isinstance(found, Namespace):
                message = f"{target.name!r} has no fields to set; make it by namespace()"
                raise ExpressionFailure(message)
            found.fields = self.budget.made({**found.fields, target.attr: self.required(value)})
        elif isinstance(target, nodes.Name):
            scope.names[target.name] = value

    def _with(self, node: nodes.With, scope: Scope, parts: list[Any]) -> None:
        inner = scope.inner()
        for target, each in zip(node.targets, node.values, strict=True):
            self._assign(target, self._to_assign(each, scope), inner)
        self._run(node.body, inner, parts)

    def _scope(self, node: nodes.Scope, scope: Scope, parts: list[Any]) -> None:
        self._run(node.body, scope.inner(), parts)

    def _filter_block(self, node: nodes.FilterBlock, scope: Scope, parts: list[Any]) -> None:
        parts.append(self._through(node.filter, self._joined(node.body, scope.inner()), scope))

    def _through(self, node: nodes.Filter, value: Any, scope: Scope) -> Any:
        inner = node.node
        return self.filtered(
            node, self._through(inner, value, scope) if isinstance(inner, nodes.Filter) else value, scope
        )

    # Macros

    def _macro(self, node: nodes.Macro, scope: Scope, _: list[Any]) -> None:
        scope.names[node.name] = self._macro_of(node.name, node, scope)

    def _call_block(self, node: nodes.CallBlock, scope: Scope, parts: list[Any]) -> None:
        callee = node.call.node
        macro = scope.find(callee.name) if isinstance(callee, nodes.Name) else None
        if not isinstance(macro, Macro):
            message = "'call' takes a macro"
            raise ExpressionFailure(message)
        args, kwargs = self.arguments(node.call, scope)
        parts.append(self.call_macro(macro, args, {**kwargs, "caller": self._macro_of("caller", node, scope)}))

    def _macro_of(self, name: str, node: nodes.Macro | nodes.CallBlock, scope: Scope) -> Macro:
        names = tuple(each.name for each in node.args)
        if id(node) not in self._used:
            used = {each.name for each in node.find_all(nodes.Name)}
            self._used[id(node)] = frozenset(used & _INNER_NAMES - set(names))
        return Macro(name, names, tuple(node.defaults), node.body, scope, self._used[id(node)])

    def call_macro(self, macro: Macro, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Return what the body of a macro gives."""
        self.budget.spend(10)
        names = dict(zip(macro.names, args, strict=False))
        more, named = args[len(macro.names) :], dict(kwargs)
        for name in macro.names:
            if name in named:
                if name in names:
                    message = f"the macro {macro.name!r} got {name!r} twice"
                    raise ExpressionFailure(message)
                names[name] = named.pop(name)
        if "caller" in named and "caller" in macro.uses:
            names["caller"] = named.pop("caller")
        inner = macro.scope.inner(names)
        for name, default in zip(macro.names[len(macro.names) - len(macro.defaults) :], macro.defaults, strict=True):
            if name not in names:
                names[name] = self.maybe(default, inner)
        for name in macro.names:
            names.setdefault(name, Undefined.because(f"the macro {macro.name!r} got no {name!r}"))
        self._more(macro, names, more, named)
        return self._joined(macro.body, inner)

    def _more(self, macro: Macro, names: dict[str, Any], more: list[Any], named: dict[str, Any]) -> None:
        for name, given in (("varargs", more), ("kwargs", named)):
            if name in macro.uses:
                names[name] = self.budget.made(given)
            elif given:
                message = f"the macro {macro.name!r} does not take {len(given)} of its arguments"
                raise ExpressionFailure(message)


def _loop(entries: list[Any], index: int, depth: int) -> Loop:
    length = len(entries)
    loop = Loop(
        index=index + 1,
        index0=index,
        revindex=length - index,
        revindex0=length - index - 1,
        first=index == 0,
        last=index == length - 1,
        length=length,
        depth=depth,
        depth0=depth - 1,
    )
    if index > 0:
        loop["previtem"] = entries[index - 1]
    if index < length - 1:
        loop["nextitem"] = entries[index + 1]
    return loop


_RUN: Final[Mapping[type[nodes.Node], Callable[[Rendering, Any, Scope, list[Any]], None]]] = {
    nodes.Output: Rendering._output,
    nodes.If: Rendering._if,
    nodes.For: Rendering._for,
    nodes.Assign: Rendering._set,
    nodes.AssignBlock: Rendering._set_block,
    nodes.With: Rendering._with,
    nodes.Scope: Rendering._scope,
    nodes.FilterBlock: Rendering._filter_block,
    nodes.Macro: Rendering._macro,
    nodes.CallBlock: Rendering._call_block,
}
