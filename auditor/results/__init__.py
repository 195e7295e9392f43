"""What an audit writes down: records that know nothing of how they were made."""
