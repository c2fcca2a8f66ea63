"""Any photo, any size: from grey to color, with any kind of model."""
