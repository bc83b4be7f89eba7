"""Several reports beside each other: what each server has and how right it is, by features that people know."""
