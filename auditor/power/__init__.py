"""Power analysis: the number of groups an audit needs, before any model or text is read."""
