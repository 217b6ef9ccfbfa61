"""The one page of level 1: what patients on average receive, with the activity given."""
