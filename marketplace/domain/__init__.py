"""Pure figures of the marketplace: periods, sums, results. No database, no clock, no Django."""
