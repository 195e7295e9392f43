"""The commands, one file each; a module is a command and defines `command`."""
