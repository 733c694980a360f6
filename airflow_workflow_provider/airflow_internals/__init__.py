"""Airflow's private modules, one adapter for each concern: what to look at when Airflow is upgraded."""
