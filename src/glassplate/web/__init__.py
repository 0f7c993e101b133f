"""The three faces: officer, oversight, public. Each is its own process; none holds a key of the vault."""
