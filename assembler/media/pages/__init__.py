"""New pages on the stage, found in what was rendered or is copied."""
