"""The steps of a path: names, predicates, groups and orders, each over all items of a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jsonata import Jsonata
from jsonata.utils import Utils

from airflow_workflow_provider.model.expressions.jsonata.parser import fault
from airflow_workflow_provider.model.expressions.jsonata.sequences import lookup, merge_sort, order, truth
from airflow_workflow_provider.model.expressions.numbers import is_number

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions.bounds import Meter


class PathEngine(Jsonata):  # type: ignore[misc]  # the library has no type information
    """Evaluates paths. The evaluator derives from it."""

    meter: Meter

    def evaluate_step(self, expr: Any, input: Any, environment: Any, last_step: bool) -> Any:
        """One step of a path, for each item of its context."""
        if expr.type == "sort":
            result = self.evaluate_sort_expression(expr, input, environment)
            return result if expr.stages is None else self.evaluate_stages(expr.stages, result, environment)
        results = []
        for item in input:
            result = self.eval(expr, item, environment)
            for stage in expr.stages or ():
                result = self.evaluate_filter(stage.expr, result, environment)
            if result is not None:
                results.append(result)
        if last_step and len(results) == 1 and isinstance(results[0], list) and not Utils.is_sequence(results[0]):
            return results[0]
        flat = Utils.create_sequence()
        for result in results:
            if not isinstance(result, list) or (isinstance(result, Utils.JList) and result.cons):
                flat.append(result)
            else:
                self.meter.room(len(flat) + len(result))
                flat.extend(result)
        return flat

    def evaluate_tuple_step(self, expr: Any, input: Any, tuple_bindings: Any, environment: Any) -> Any:
        """One step of a path that carries its ancestors or variables along."""
        if expr.type == "sort":
            result = self._sorted_tuples(expr, input, tuple_bindings, environment)
        else:
            result = Utils.create_sequence()
            for binding in tuple_bindings if tuple_bindings is not None else ({"@": item} for item in input):
                frame = self.create_frame_from_tuple(environment, binding)
                found = self.eval(expr, binding["@"], frame)
                if found is not None:
                    found = found if isinstance(found, list) else [found]
                    self.meter.room(len(result) + len(found))
                    result.extend(_tuples(expr, binding, found))
        result.tuple_stream = True
        return result if expr.stages is None else self.evaluate_stages(expr.stages, result, environment)

    def _sorted_tuples(self, expr: Any, input: Any, tuple_bindings: Any, environment: Any) -> Any:
        if tuple_bindings is not None:
            return self.evaluate_sort_expression(expr, tuple_bindings, environment)
        items = self.evaluate_sort_expression(expr, input, environment)
        return Utils.create_sequence_from_iter({"@": item, expr.index: place} for place, item in enumerate(items))

    def evaluate_filter(self, predicate: Any, input: Any, environment: Any) -> Any:
        """The items that a predicate, an index or a list of indices chooses."""
        results = Utils.create_sequence()
        items = input if isinstance(input, list) else [input]
        tuples = isinstance(input, Utils.JList) and input.tuple_stream
        results.tuple_stream = tuples
        if predicate.type == "number":
            index = _index(predicate.value, len(items))
            if index is None:
                return results
            chosen = items[index]
            if chosen is None or isinstance(chosen, list):
                return chosen
            results.append(chosen)
            return results
        for position, item in enumerate(items):
            frame = self.create_frame_from_tuple(environment, item) if tuples else environment
            chosen = self.eval(predicate, item["@"] if tuples else item, frame)
            results.extend([item] * _chosen(chosen, position, len(items)))
            self.meter.room(len(results))
        return None if input is None else results

    def evaluate_name(self, expr: Any, input: Any, _environment: Any) -> Any:
        """The field of the context."""
        return lookup(input, str(expr.value))

    def evaluate_group_expression(self, expr: Any, input: Any, environment: Any) -> Any:
        """An object made of the items of a sequence, grouped by key."""
        tuples = isinstance(input, Utils.JList) and input.tuple_stream
        items = input if isinstance(input, list) else [input]
        if not items and not tuples:
            items = [None]
        groups: dict[str, tuple[int, list[Any]]] = {}
        for item in items:
            frame = self.create_frame_from_tuple(environment, item) if tuples else environment
            for number, pair in enumerate(expr.lhs_object):
                key = self.eval(pair[0], item["@"] if tuples else item, frame)
                if key is None:
                    continue
                if not isinstance(key, str):
                    raise fault(expr.position, "T1003", key)
                first, members = groups.setdefault(key, (number, []))
                if first != number:
                    raise fault(expr.position, "D1009", key)
                members.append(item)
        result = {}
        for key, (number, members) in groups.items():
            value = self._group_value(expr.lhs_object[number][1], members, environment, tuples=tuples)
            if value is not None:
                result[key] = value
        return result

    def _group_value(self, expr: Any, members: list[Any], environment: Any, *, tuples: bool) -> Any:
        if not tuples:
            return self.eval(expr, _joined(members), environment)
        names = dict.fromkeys(name for member in members for name in member)
        joined = {name: _joined([member[name] for member in members if name in member]) for name in names}
        context = joined.pop("@")
        return self.eval(expr, context, self.create_frame_from_tuple(environment, joined))

    def evaluate_wildcard(self, _expr: Any, input: Any) -> Any:
        """The values of all fields."""
        if isinstance(input, Utils.JList) and input.outer_wrapper and input:
            input = input[0]
        results = Utils.create_sequence()
        values: Iterable[Any] = input.values() if isinstance(input, dict) else input if isinstance(input, list) else ()
        for value in values:
            if isinstance(value, list):
                results.extend(self.flatten(value, None))
            else:
                results.append(value)
            self.meter.room(len(results))
        return results

    def evaluate_sort_expression(self, expr: Any, input: Any, environment: Any) -> Any:
        """``items^(terms)``."""
        tuples = isinstance(input, Utils.JList) and input.tuple_stream

        def key(item: Any, term: Any) -> Any:
            frame = self.create_frame_from_tuple(environment, item) if tuples else environment
            return self.eval(term.expression, item["@"] if tuples else item, frame)

        def swaps(left: Any, right: Any) -> bool:
            for term in expr.terms:
                first, second = key(left, term), key(right, term)
                found = order(first, second, expr.position)
                if found != 0:
                    # What has no key comes last, in either direction.
                    missing = first is None or second is None
                    return (-found if term.descending and not missing else found) > 0
            return False

        result = Utils.create_sequence_from_iter(merge_sort(input, swaps))
        result.tuple_stream = tuples
        return result


def _tuples(expr: Any, binding: Mapping[str, Any], found: list[Any]) -> Iterator[dict[str, Any]]:
    """One step's results as bindings: the context under ``@``, and the variables and ancestors by name."""
    stream = isinstance(found, Utils.JList) and found.tuple_stream
    for place, item in enumerate(found):
        result = dict(binding)
        if stream:
            result.update(item)
        else:
            result["@" if expr.focus is None else expr.focus] = item
            if expr.index is not None:
                result[expr.index] = place
            if expr.ancestor is not None:
                result[expr.ancestor.label] = binding["@"]
        yield result


def _index(value: float, size: int) -> int | None:
    index = int(value // 1)
    if index < 0:
        index += size
    return index if 0 <= index < size else None


def _chosen(chosen: Any, position: int, size: int) -> int:
    """How many times a predicate's value chooses the item at a position."""
    if is_number(chosen):
        return int(_index(chosen, size) == position)
    if isinstance(chosen, list) and all(map(is_number, chosen)):
        return sum(_index(number, size) == position for number in chosen)
    return int(truth(chosen))


def _joined(members: list[Any]) -> Any:
    """What one key of a group stands for: its member, or the members as one sequence."""
    if len(members) == 1:
        return members[0]
    joined: list[Any] = []
    for member in members:
        if isinstance(member, list):
            joined.extend(member)
        else:
            joined.append(member)
    return joined
