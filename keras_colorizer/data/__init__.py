"""Photos to train and validate with, as `tf.data` batches."""
