"""The SavedModel for TF Serving: photos as files, in and out."""
