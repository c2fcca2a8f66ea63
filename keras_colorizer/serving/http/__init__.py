"""The server on its socket: limits, timeouts, routes."""
