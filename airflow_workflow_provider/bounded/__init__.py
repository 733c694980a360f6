"""Evaluation of input of authors, callers and senders within limits.

An expression, a pattern or a schema may need more time or memory than anybody has, and code that holds Python's
interpreter lock cannot be stopped from inside. :func:`~airflow_workflow_provider.bounded.doors.bounded` marks the
functions that compute over such words; behind a door they run in a child process that is killed when it passes a limit.
"""
