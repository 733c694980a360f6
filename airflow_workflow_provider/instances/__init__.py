"""The unit of work: the instance of a DAG run, read under its lock, changed by the engine and stored."""
