"""JSONata by jsonata-python, the engine that is always there."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jsonata.jsonata
import regex
from jsonata import Jsonata
from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.utils import Utils

from airflow_workflow_provider.model.expressions import functions
from airflow_workflow_provider.model.expressions.bounds import TIME_LIMIT_SECONDS, Meter
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure, ExpressionSyntaxError

# The engine reports some failures with print(); the standard output belongs to the command line.
jsonata.jsonata.print = lambda *_arguments, **_options: None


class TimedPattern:
    """A regular expression that gives up: backtracking can take longer than the age of the universe."""

    def __init__(self, pattern: str, flags: Any) -> None:
        options = (regex.IGNORECASE if flags.case_insensitive else 0) | (regex.MULTILINE if flags.multiline else 0)
        self._pattern = regex.compile(pattern, options)

    def search(self, string: str) -> Any:
        """As :meth:`re.Pattern.search`."""
        return self._pattern.search(string, timeout=TIME_LIMIT_SECONDS)

    def finditer(self, string: str) -> Iterator[Any]:
        """As :meth:`re.Pattern.finditer`."""
        found: Iterator[Any] = self._pattern.finditer(string, timeout=TIME_LIMIT_SECONDS)
        return found

    def sub(self, repl: Any, string: str, count: int = 0) -> str:
        """As :meth:`re.Pattern.sub`."""
        return str(self._pattern.sub(repl, string, count, timeout=TIME_LIMIT_SECONDS))

    def split(self, string: str, maxsplit: int = 0) -> list[str]:
        """As :meth:`re.Pattern.split`."""
        parts: list[str] = self._pattern.split(string, maxsplit, timeout=TIME_LIMIT_SECONDS)
        return parts


class Guarded(Jsonata.JFunction):  # type: ignore[misc]  # the engine has no type information
    """A built-in function whose arguments are checked, or whose work is done, by ours.

    :param native: the built-in function
    :param guard: sees the arguments before the built-in does
    :param instead: does the work in the built-in's place
    """

    def __init__(
        self, native: Any, *, guard: Callable[..., None] | None = None, instead: Callable[..., Any] | None = None
    ) -> None:
        super().__init__(None, None)
        self._native = native
        self._guard = guard
        self._instead = instead
        self.signature = native.signature
        self.function_name = native.function_name

    def call(self, input: Any, args: Sequence[Any] | None) -> Any:
        """Call the function."""
        given = list(args or ())
        if self._guard is not None:
            self._guard(*given)
        return self._native.call(input, args) if self._instead is None else self._instead(*given)

    def get_number_of_args(self) -> int:
        """Give how many arguments the function takes."""
        return int(self._native.nargs)


class Program:
    """A compiled JSONata expression.

    :param source: the expression
    :raises ExpressionSyntaxError: it cannot be read
    """

    def __init__(self, source: str) -> None:
        try:
            self._compiled = Jsonata(source, TimedPattern)
        except JException as error:
            raise ExpressionSyntaxError(str(error), error.location) from error
        except RecursionError as error:
            msg = "the expression is nested too deeply"
            raise ExpressionSyntaxError(msg, kind="size") from error
        except Exception as error:
            raise ExpressionSyntaxError(str(error) or type(error).__name__) from error

    @property
    def tree(self) -> Any:
        """The syntax tree, for looking at names."""
        return self._compiled.ast

    def evaluate(
        self, root: Mapping[str, Any], variables: Mapping[str, Any], uuid_source: functions.UuidSource | None
    ) -> Any:
        """Compute the value over ``root``; ``variables`` are bound with a ``$`` before their names.

        :raises ExpressionFailure: it fails, or exceeds a bound
        """
        meter = Meter()
        # The engine keeps state in the compiled expression and in a variable of the thread.
        program = copy.copy(self._compiled)
        program.set_validate_input(False)
        before = getattr(Jsonata.CURRENT, "jsonata", None)
        Jsonata.CURRENT.jsonata = program
        try:
            result = program.evaluate(root, _frame(program, meter, variables, uuid_source))
            return None if _is_function(result) else _without_functions(result, meter)
        except ExpressionFailure:
            raise
        except RecursionError as error:
            msg = "the expression calls itself too deep"
            raise ExpressionFailure(msg) from error
        except TimeoutError as error:
            msg = f"a regular expression ran for more than {TIME_LIMIT_SECONDS:g} seconds"
            raise ExpressionFailure(msg) from error
        except JException as error:
            msg = f"{error} ({error.error})"
            raise ExpressionFailure(msg) from error
        except Exception as error:
            raise ExpressionFailure(str(error) or type(error).__name__) from error
        finally:
            Jsonata.CURRENT.jsonata = before if before is not None else program


def _frame(program: Any, meter: Meter, variables: Mapping[str, Any], uuid_source: functions.UuidSource | None) -> Any:
    frame = program.create_frame(None)
    frame.set_evaluate_entry_callback(lambda _expression, _input, _environment: meter.enter())
    frame.set_evaluate_exit_callback(lambda _expression, _input, _environment, result: meter.leave(result))
    own = {
        "parseJson": functions.parse_json,
        "hash": functions.hash_text,
        "uuid": functions.uuid_function(uuid_source),
        "eval": functions.refuse_eval,
    }
    for name, function in own.items():
        frame.bind(name, Jsonata.JLambda(function))
    frame.bind("pad", _guarded("pad", guard=functions.check_pad))
    frame.bind("join", _guarded("join", guard=functions.check_join))
    frame.bind("distinct", _guarded("distinct", instead=_distinct))
    frame.bind("replace", _guarded("replace", instead=_replace(meter)))
    for name, value in variables.items():
        frame.bind(name, value)
    return frame


def _guarded(name: str, **how: Callable[..., Any]) -> Guarded:
    return Guarded(Jsonata.static_frame.lookup(name), **how)


def _distinct(values: Any = None, *_: object) -> Any:
    found = functions.distinct(values)
    return Utils.create_sequence_from_iter(found) if isinstance(values, Utils.JList) and len(values) > 1 else found


def _replace(meter: Meter) -> Callable[..., str | None]:
    def replace(
        text: Any = None, pattern: Any = None, replacement: Any = None, limit: Any = None, *_: object
    ) -> str | None:
        if text is None:
            return None
        if not isinstance(text, str) or pattern is None or replacement is None:
            msg = "$replace needs a text, a pattern and a replacement"
            raise ExpressionFailure(msg)
        how = replacement if isinstance(replacement, str) else _caller(replacement)
        return functions.replace(text, pattern if isinstance(pattern, str) else _matcher(pattern), how, limit, meter)

    return replace


def _caller(function: Any) -> Callable[[functions.Match], Any]:
    def call(match: functions.Match) -> Any:
        return Functions.func_apply(function, [dict(match)])

    return call


def _matcher(pattern: Any) -> functions.Matcher:
    if not Functions.is_regex(pattern):
        msg = "$replace: the pattern must be a text or a regular expression"
        raise ExpressionFailure(msg)

    def matches(text: str) -> Iterator[functions.Match]:
        for found in pattern.finditer(text):
            groups = [group or "" for group in found.groups()]
            yield {"match": found[0], "start": found.start(), "end": found.end(), "groups": groups}

    return matches


def _is_function(value: Any) -> bool:
    return bool(Utils.is_function(value) or Functions.is_lambda(value) or Functions.is_regex(value))


def _without_functions(value: Any, meter: Meter) -> Any:
    """The result without the functions in it, which are no JSON; a list of one that must stay a list is one."""
    meter.check(value)
    if isinstance(value, dict):
        return {key: _without_functions(part, meter) for key, part in value.items() if not _is_function(part)}
    if isinstance(value, list):
        return [None if _is_function(part) else _without_functions(part, meter) for part in value]
    return value
