"""The worklist: passes each occurrence of a turn to the rule that handles it, until there are none."""

from __future__ import annotations

from airflow_workflow_provider.engine import attempts, completion, regions, transitions
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.turn import ListEnded, Occurrence, RegionChanged, RegionDone, Turn


def drain(turn: Turn) -> None:
    """Handle what the rules have left for each other, and bring what follows from the state up to date."""
    while turn.occurrences:
        _handle(turn, turn.occurrences.popleft())
    transitions.note_where_paths_went(turn)
    turn.refresh()


def _handle(turn: Turn, occurrence: Occurrence) -> None:
    if isinstance(occurrence, ListEnded):
        if occurrence.key == ROOT:
            completion.root_ended(turn)
        else:
            regions.child_ended(turn, turn.scope(occurrence.key))
    elif isinstance(occurrence, RegionChanged):
        regions.settle(turn, occurrence)
    elif isinstance(occurrence, RegionDone):
        attempts.region_done(turn, turn.scope(occurrence.key))
    else:
        attempts.attempt_failed(turn, turn.scope(occurrence.key), occurrence.failure)
