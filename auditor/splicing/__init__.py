"""Files of documents that can be changed while every other byte of them stays, and come back byte for byte."""
