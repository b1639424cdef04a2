"""A module a group of commands: their options and help. What is heavy is imported inside the command that needs it."""
