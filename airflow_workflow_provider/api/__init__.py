"""The REST API: a FastAPI application that Airflow's api-server serves at ``/workflows``."""
