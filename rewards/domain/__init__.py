"""Pure decisions about rewards: what changed terms mean, when periods end. No database, no clock, no Django."""
