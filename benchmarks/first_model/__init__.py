"""First models of strangers: from a raw labelled file to a verdict, on generated books with known traps."""
