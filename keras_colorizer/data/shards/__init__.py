"""Photos in a few large files: made once by `prepare`, read by training."""
