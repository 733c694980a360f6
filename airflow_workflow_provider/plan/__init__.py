"""From a definition to the tasks of its DAG, without Airflow."""
