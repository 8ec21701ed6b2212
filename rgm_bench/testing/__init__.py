"""Contract suites: subclass one, say how to make your own object, inherit the laws it must keep."""
