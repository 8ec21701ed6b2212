"""Whether numbers are still what they were: measured now, against a committed baseline."""
