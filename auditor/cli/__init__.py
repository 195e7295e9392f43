"""The command line; nothing else prints, prompts or exits."""
