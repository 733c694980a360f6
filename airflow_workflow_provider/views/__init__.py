"""Projections of an instance: components, drawing, history and progress."""
