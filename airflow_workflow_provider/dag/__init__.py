"""From a definition to an Airflow DAG."""
