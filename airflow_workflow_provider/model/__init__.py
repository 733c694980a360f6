"""What a definition is: documents, expressions and the checks on them. Pure."""
