"""What a launch still has to do, and how one piece of it is done; no Ray."""
