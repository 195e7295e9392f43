"""Natural identifiers: strings of known law that a text holds, against decoys of the same law."""
