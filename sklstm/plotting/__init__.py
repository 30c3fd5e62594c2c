"""Displays, one in each file."""
