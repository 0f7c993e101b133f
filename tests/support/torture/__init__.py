"""``make torture``: a real vault that is killed, or whose disk fails, at seeded points; see docs/torture.md."""
