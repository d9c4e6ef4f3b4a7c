"""One repository per noun: the only code that knows collections, fields and queries."""
