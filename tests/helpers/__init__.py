"""Code that several tests share: ``from helpers.NAME import ...``."""
