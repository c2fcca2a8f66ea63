"""Export of a trained generator: a SavedModel and `.tflite` files."""

FORMATS = ("saved_model", "tflite", "keras")
DEFAULT_FORMATS = ("saved_model", "tflite")
MAX_PIXELS = 50_000_000  # Of a photo that a server takes.
