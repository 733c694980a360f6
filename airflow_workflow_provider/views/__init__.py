"""Projections of an instance: components, drawing, history, progress and masking."""
