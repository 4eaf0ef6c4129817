"""The ``popnet`` command, installed as ``popnet.cli``."""
