"""A whole training run: from settings to a generator file."""
