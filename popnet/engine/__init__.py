"""Trains and evaluates P networks on one device: no files, no Ray, no clock."""
