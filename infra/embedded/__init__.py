"""The embedded default: a real PostgreSQL, a real Valkey and one supervisor, so that two commands are enough.

This package starts things; it never imports Django. A production install does not need it.
"""
