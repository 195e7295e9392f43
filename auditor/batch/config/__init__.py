"""The configuration of a batch: in any format, held against the settings, with the line of what is wrong."""
