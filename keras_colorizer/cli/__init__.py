"""The command lines; nothing heavy is imported before they are parsed."""
