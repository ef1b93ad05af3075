"""The pages: each view reads, makes at most one use case, and answers a page or a part of one."""
