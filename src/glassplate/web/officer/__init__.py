"""The officer's face: search, alerts, own history, the policy in plain words."""
