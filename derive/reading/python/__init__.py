"""Python syntax, read: definitions, statements and expressions to the small statement form of `derive.reading.step`."""
