"""JSON Schema (draft 2020-12) as published: what fits, which defaults apply, and what is secret (rules X6, K2, L4)."""
