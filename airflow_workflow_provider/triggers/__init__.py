"""Airflow triggers: what waits without holding a worker."""
