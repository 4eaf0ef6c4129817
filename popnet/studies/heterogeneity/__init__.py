"""Santhosh & Narayanan 2026: graded heterogeneity, done again."""
