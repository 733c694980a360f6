"""Airflow listeners: what happens to DAG runs outside any task."""
