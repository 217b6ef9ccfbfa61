"""Outlines made and judged before a study runs: by threshold, shape, rule or an outside program."""
