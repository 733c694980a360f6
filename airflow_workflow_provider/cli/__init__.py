"""The command line: ``airflow-workflows`` and ``airflow workflows``."""
