"""Distances between sets of images, seen through a network that is named with every number."""
