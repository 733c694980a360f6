"""Airflow's metadata database: DAG runs, their tasks and versions, and the tables that are followed."""
