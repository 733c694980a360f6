"""What people see in Airflow's pages: the built front end, and where Airflow shows it. Its sources are in ``ui/``."""
