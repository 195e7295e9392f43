"""A bundle: one audit in one zip, with its features, its report and, where wanted, its texts."""
