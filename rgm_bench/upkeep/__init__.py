"""What keeps a store in order: which studies it has, and what none of them needs."""
