"""DAG bundles: how Airflow gets the DAGs that definitions become."""
