"""A small invented city, built to show the whole road. Works only with charters marked demo."""
