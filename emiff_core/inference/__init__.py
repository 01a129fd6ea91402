"""Engines that run the model, and the slot between the thread that receives and the thread that computes."""
