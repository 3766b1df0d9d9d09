"""Where a run calls the hooks of its pipeline, and how they are shown."""
