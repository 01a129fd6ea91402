"""How good detections are: IoU, average precision by two named protocols, distance ranges, tables."""
