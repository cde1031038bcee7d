"""New pages on the stage, measured on key frames of what was rendered or is copied."""
