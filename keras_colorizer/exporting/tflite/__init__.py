"""The `.tflite` files for phones, browsers and small computers."""
