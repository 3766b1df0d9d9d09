"""The composer: plans, runs and supervises pipelines out of what the other rooms offer."""
