"""What a sensible server answers when no script does."""
