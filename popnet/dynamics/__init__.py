"""What whole networks do at constant input: fixed points, cycles, exponents.

Each network is run and differentiated by ``core`` and ``kernels``; what its states and
derivatives mean is computed by ``analysis``.  Measures and ``pn.fixed_points`` both ask
here.
"""
