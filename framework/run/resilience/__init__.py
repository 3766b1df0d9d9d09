"""How a run goes on when what it reads from fails: calls that are tried again, and circuits that open."""
