"""Levels measured by a child of their own, and kept in the home; the mixdown measures them as well."""
