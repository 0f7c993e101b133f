"""Evidence: what is asked for, the package that leaves the vault, and its check offline."""
