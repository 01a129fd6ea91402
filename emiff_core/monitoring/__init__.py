"""What a running node knows of its own health, and how that is judged."""
