"""The format of a definition: documents, expressions and their validation. Pure."""
