"""Training runs: from settings to a generator file."""
