"""The built front end, and its registration in Airflow. Its sources are in ``ui/``."""
