"""The whole audit: read, score, measure, conclude."""
