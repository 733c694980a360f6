"""Airflow listeners: changes of DAG runs outside any task."""
