"""What several folders of tests share: builders of results, backends, configurations, and their words."""
