"""Where JupyterHub meets the broker: a thin client in the hub process."""
