"""Clean data: real images as `uint8` tensors, and points of known distributions in the plane."""
