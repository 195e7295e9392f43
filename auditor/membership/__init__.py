"""Was the model trained on this? The test, the guards, the verdict."""
