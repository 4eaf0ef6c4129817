"""The mathematics of P networks at once, in plain torch."""
