"""Artifacts from a trained generator."""
