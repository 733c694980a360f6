"""DAG runs of instances, from the side that has Airflow's metadata database: start them, end them."""
