"""What training compares the network with: targets, losses, the loop."""
