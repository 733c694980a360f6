"""The catalog behind ``taskId`` and the built-in tasks."""
