"""Requests that wait their turn, and run together where that is safe."""
