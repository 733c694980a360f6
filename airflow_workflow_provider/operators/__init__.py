"""Operators: steps as Airflow tasks."""
