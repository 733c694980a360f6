"""Work that goes on in threads of the api-server."""
