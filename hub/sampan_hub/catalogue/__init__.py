"""The shared catalogue: what the centres and providers have, kept in rows and found by words."""
