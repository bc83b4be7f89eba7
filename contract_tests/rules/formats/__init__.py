"""What an answer says: in the format that was asked for, in its own members, and in words."""
