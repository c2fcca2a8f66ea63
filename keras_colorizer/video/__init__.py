"""Films: read and written with PyAV, in colors that hold still."""
