"""The steps around the network: its view of a photo, and the merge with ab."""
