"""Arrays in, arrays out: what measures, metrics and claims are computed with."""
