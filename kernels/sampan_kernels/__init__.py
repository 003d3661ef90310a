"""What runs inside a job at a centre."""
