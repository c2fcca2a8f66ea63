"""What an export may be asked for; importing it is instant."""

FORMATS = ("saved_model", "tflite", "keras")
DEFAULT_FORMATS = ("saved_model", "tflite")
MAX_PIXELS = 50_000_000  # Of a photo that servers take.
