"""Airflow hooks: the workflow database as a connection type of Airflow."""
