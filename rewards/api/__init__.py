"""The addresses of rewards."""
