"""What a centre could do: levels, recommendation, workload. Advice, never a prescription."""
