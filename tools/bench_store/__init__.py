"""The store at the size of a city, beside PostgreSQL: ``make bench-store`` and ``make soak``."""
