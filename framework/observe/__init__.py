"""Watching runs: one mask for secrets, logs for people and machines, progress. Importing it imports nothing heavy."""
