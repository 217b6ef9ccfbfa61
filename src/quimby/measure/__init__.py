"""From files to activity: reading, registering, outlining, quantifying."""
