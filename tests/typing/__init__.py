"""What a type checker and an editor tell the author of a program."""
