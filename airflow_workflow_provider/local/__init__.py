"""A private PostgreSQL and Airflow for a machine without servers."""
