"""The parts of the terminals' socket; the consumer itself is `config.consumers`."""
