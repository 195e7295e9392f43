"""Planning: how many groups an audit needs before it is run; no model, no text."""
