"""The thin process that starts pipelines in a child of its own, listens to it, stops it, and says how it died."""
