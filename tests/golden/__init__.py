"""One adapter per metric family: a worked case becomes calls of public functions; what they return is the answer."""
