"""``python -m benchmarks``: the product's latency and throughput, each beside a floor measured in the same run."""
