"""The rules of the format, one small class each."""

from __future__ import annotations

from typing import Final

from airflow_workflow_provider.model.checks import (
    components,
    expressions,
    failure,
    graph,
    identity,
    limits,
    questions,
    reach,
    regions,
    schemas,
    surroundings,
    tasks,
    times,
)
from airflow_workflow_provider.model.checks.base import Catalogue, Check, Checked

__all__ = ["CHECKS", "Catalogue", "Check", "Checked"]

CHECKS: Final[tuple[Check, ...]] = (
    identity.IdentifierForm(),
    identity.ReservedIdentifier(),
    identity.UniqueSteps(),
    identity.UniqueBranches(),
    identity.SemanticVersion(),
    identity.SomeStep(),
    times.Durations(),
    schemas.InputSchema(),
    graph.Targets(),
    graph.Reachable(),
    graph.UnreachableTransitions(),
    graph.NoElse(),
    graph.FallsThrough(),
    graph.UnusedTarget(),
    failure.EmptyErrorCondition(),
    failure.WorkflowRetry(),
    failure.IdleCompensation(),
    failure.ErrorTypeSpelling(),
    failure.IdlePolicy(),
    failure.IdleFields(),
    regions.OneRegion(),
    regions.IdleFailFast(),
    regions.UnmetJoin(),
    regions.IdleTaskArguments(),
    regions.ItemName(),
    expressions.Expressions(),
    expressions.ResemblesTransform(),
    limits.OwnPlace(),
    tasks.KnownTask(),
    tasks.UniqueChoices(),
    tasks.SubWorkflowReference(),
    tasks.PinnedVersion(),
    tasks.AllowedOperator(),
    tasks.Arguments(),
    reach.Reach(),
    questions.QuestionArguments(),
    questions.KnownAssignees(),
    questions.FailedApproval(),
    surroundings.EventPattern(),
    surroundings.UniquePatterns(),
    surroundings.Schedules(),
    surroundings.ScheduledInput(),
    surroundings.LogPaths(),
    components.Layout(),
    components.FormStep(),
    components.OptionSpelling(),
    components.EmptyTable(),
)
"""Every check of a workflow document, in no particular order: findings are sorted by their place."""
