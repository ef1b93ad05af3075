"""The copy engine: one turn of one shard claims, locks, reads, decides and writes. See ARCHITECTURE.md."""
