"""What the next administration may be: proposed, never prescribed."""
