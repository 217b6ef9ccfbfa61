"""The study document and the chain that runs it."""
