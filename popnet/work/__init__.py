"""Finds what a launch still has to do, and does one piece of it; no Ray."""
