"""Colorizers, and the networks that they run."""
