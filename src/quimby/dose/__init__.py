"""From time-integrated activity and mass to absorbed dose."""
