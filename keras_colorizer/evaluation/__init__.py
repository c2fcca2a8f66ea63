"""Evaluation of colorizers on photos whose true colors are known."""
