"""What all floors speak: values with doubt, notes, errors, sources, time, grids and outlines."""
