"""The pictures of the report, each with one idea, as SVG and PNG of the same bytes every time."""
