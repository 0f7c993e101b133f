"""Pixels in, plate candidates and redacted images out. No key, no store, no network here."""
