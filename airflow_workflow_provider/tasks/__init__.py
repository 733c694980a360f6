"""The catalogue behind ``taskId`` and the built-in tasks."""
