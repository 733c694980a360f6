"""What a machine without any server needs to run workflows: a private PostgreSQL."""
