"""Whether an audit would work here: the machine, the score store, the backend, and how long an audit takes."""
