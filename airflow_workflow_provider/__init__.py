"""Business workflows as JSON documents in PostgreSQL, run by Apache Airflow."""

__version__ = "0.1.0"
