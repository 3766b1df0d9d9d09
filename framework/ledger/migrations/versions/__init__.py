"""One script per form of the ledger, in order. A published one is never edited: the next form gets the next script."""
