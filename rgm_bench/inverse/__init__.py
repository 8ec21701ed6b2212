"""Restoring images from what a linear operator and noise have left of them."""
