"""From samples to a curve, and from the curve to time-integrated activity."""
