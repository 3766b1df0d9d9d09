"""Frozen values that the rooms hand to each other, and the few services all of them need."""
