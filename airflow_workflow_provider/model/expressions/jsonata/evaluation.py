"""What the built-in functions of JSONata need of the evaluation that calls them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions.bounds import Meter


class Evaluation(Protocol):
    """One evaluation of an expression; :class:`~.engine.Engine` is what does it.

    :ivar meter: counts what it computes
    :ivar moment: the time that ``$now()`` and ``$millis()`` give, in milliseconds since the epoch
    :ivar chance: where ``$random()`` and ``$shuffle()`` get their numbers from
    """

    meter: Meter
    moment: int
    chance: random.Random

    def call(self, function: Any, arguments: Sequence[Any]) -> Any:
        """Call a function value of any sort."""
        ...
