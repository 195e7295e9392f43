"""What several folders of tests share: builders of results, backends, configurations, and the words they are made of."""
