"""A check for people and for machines: the terminal, Markdown, JUnit and JSON."""
