"""The schemas of tables: how they change with a run, who stands it, and bringing rows along."""
