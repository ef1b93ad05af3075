"""The REST addresses of copy trading: they read a request, make one call, and write the contract's objects."""
