"""Real images, read from disk into `uint8` tensors and scaled to [-1, 1] for the networks."""
