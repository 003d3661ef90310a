"""What runs in a person's Jupyter server."""
