"""Glassplate: a license plate reader system a city runs itself and can prove it uses lawfully."""
