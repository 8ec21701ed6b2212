"""Numbers of things, as people say them."""


def counted(number: int, noun: str) -> str:
    """A number with its noun in the singular or plural: `1 unit`, `12 units`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
