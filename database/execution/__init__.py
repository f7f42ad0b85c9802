"""How the calls of a statement are carried out: chunk by chunk, or all distinct inputs at once."""
