"""Tensors from JSON values, and JSON from tensors."""
