"""The jobs of `quimby calibrate`: read what was typed, measure, show, write the certificate."""
