"""The public face: the folder that the vault writes, served as it is."""
