"""Background work in threads of the api-server."""
