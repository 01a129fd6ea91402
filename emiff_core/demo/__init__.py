"""The main job: real nodes on a replayed crossing, and what came of it."""
