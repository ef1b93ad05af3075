"""The REST base that every app's `api.py` stands on: strict bodies, one error envelope, tables, repeatable writes.

It knows no app. Django REST framework does the work; what is here makes it answer as the contract says.
"""
