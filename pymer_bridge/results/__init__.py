"""Frozen dataclasses that carry what R computed; one file a family."""
