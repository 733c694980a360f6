"""Built-in functions as values, and what the evaluator and the functions both do with values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jsonata import Jsonata
from jsonata.utils import Utils

from airflow_workflow_provider.model.expressions.jsonata.parser import fault, is_callable
from airflow_workflow_provider.model.expressions.numbers import before, is_number

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions.jsonata.evaluation import Evaluation


class Native(Jsonata.JFunction):  # type: ignore[misc]  # the library has no type information
    """A built-in function.

    :param name: its name, without ``$``
    :param signature: which arguments it takes, as JSONata writes it; None for any
    :param work: gets the evaluation and the arguments
    :param size: how many arguments it takes at most
    """

    def __init__(self, name: str, signature: Any, work: Callable[..., Any], size: int) -> None:
        super().__init__(None, None)
        self.function_name = name
        self.signature = signature
        self._work = work
        self._size = size

    def run(self, engine: Evaluation, arguments: Sequence[Any]) -> Any:
        """Call the function; missing arguments are nothing."""
        given = list(arguments)
        return self._work(engine, *given, *[None] * (self._size - len(given)))

    def get_number_of_args(self) -> int:
        """Give how many arguments the function takes."""
        return self._size


def truth(value: Any) -> bool:
    """Whether a value counts as true: nothing, null and functions do not."""
    if isinstance(value, list):
        return any(map(truth, value))
    return isinstance(value, (str, int, float, dict)) and bool(value)


def clone(value: Any) -> Any:
    """A deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: clone(part) for key, part in value.items() if not is_callable(part)}
    if isinstance(value, list):
        return [clone(part) for part in value]
    return value


def lookup(value: Any, key: str) -> Any:
    """The field of an object, or of each object of a list."""
    if isinstance(value, dict):
        return value.get(key)
    if not isinstance(value, list):
        return None
    results = Utils.create_sequence()
    for item in value:
        found = lookup(item, key)
        if isinstance(found, list):
            results.extend(found)
        elif found is not None:
            results.append(found)
    return results


def order(left: Any, right: Any, position: int) -> int:
    """Which of two keys comes first: negative for the left one; a missing one comes last."""
    if left is None or right is None:
        return int(left is None) - int(right is None)
    for key in (left, right):
        if not isinstance(key, str) and not is_number(key):
            raise fault(position, "T2008", left, right)
    if isinstance(left, str) is not isinstance(right, str):
        raise fault(position, "T2007", left, right)
    return -1 if before(left, right) else int(before(right, left))


def merge_sort(values: Sequence[Any], swaps: Callable[[Any, Any], bool]) -> list[Any]:
    """Sorted as the reference does: the order of what compares as equal follows from it.

    :param swaps: whether the first argument belongs behind the second
    """
    if len(values) <= 1:
        return list(values)
    middle = len(values) // 2
    left, right = merge_sort(values[:middle], swaps), merge_sort(values[middle:], swaps)
    merged: list[Any] = []
    at_left = at_right = 0
    while at_left < len(left) and at_right < len(right):
        if swaps(left[at_left], right[at_right]):
            merged.append(right[at_right])
            at_right += 1
        else:
            merged.append(left[at_left])
            at_left += 1
    return merged + left[at_left:] + right[at_right:]
