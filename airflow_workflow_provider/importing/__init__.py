"""Importers: convert definitions of other workflow systems, with a report of what became of each construct.

A dialect is a module or package that reads one language into the form that all share
(:class:`~airflow_workflow_provider.importing.draft.Draft`). Nothing here reads files, knows tasks, or runs anything.
"""
