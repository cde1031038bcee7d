"""Transcripts of speech, made by a child with a speech model and kept in the home."""
