"""One file an intervention; discovery registers every module-level `Intervention`."""
