"""Published doses per activity, and what is plausible."""
