"""Pure decisions of copy trading: no database, no clock, no Django models."""
