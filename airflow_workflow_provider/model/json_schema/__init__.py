"""JSON Schema (draft 2020-12) as published: validation, defaults and secret values (rules X6, K2, L4)."""
