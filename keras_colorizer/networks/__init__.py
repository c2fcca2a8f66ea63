"""The generator and the discriminator, for any Keras backend."""
