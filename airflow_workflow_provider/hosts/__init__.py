"""Hosts of the engine that need no Airflow: a simulation in memory, and a region inside one task."""
