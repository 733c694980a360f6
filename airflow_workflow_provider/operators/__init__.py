"""How steps run as Airflow tasks."""
