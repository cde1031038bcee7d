"""Dialects of other recording systems: one file each."""
