"""Models on disk and in memory: SavedModels, their versions, which serve."""
