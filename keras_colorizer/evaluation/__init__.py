"""How good a colorizer is, on photos whose true colors are known."""
