"""The tables of the skeleton, in a schema of their own."""

from typing import Final

CHANNEL: Final = "skeleton"

TABLES: Final = b"""
CREATE SCHEMA skeleton;
CREATE TABLE skeleton.follower (
    leader_id bigint NOT NULL, account_id bigint NOT NULL, customer_id bigint NOT NULL,
    PRIMARY KEY (leader_id, account_id));
CREATE TABLE skeleton.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, leader_id bigint NOT NULL, kind text NOT NULL,
    volume numeric NOT NULL, price numeric NOT NULL, at timestamptz NOT NULL);
CREATE TABLE skeleton.leader_order (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id bigint NOT NULL, leader_id bigint NOT NULL,
    client_id text NOT NULL, volume numeric NOT NULL, price numeric NOT NULL, UNIQUE (leader_id, client_id));
CREATE TABLE skeleton.copy_order (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id bigint NOT NULL, account_id bigint NOT NULL,
    volume numeric NOT NULL, price numeric NOT NULL, at timestamptz NOT NULL, UNIQUE (event_id, account_id));
"""

# The event, the leader's order and the doorbell in one statement, which is its own transaction
ORDER: Final = b"""
WITH e AS (
    INSERT INTO skeleton.event (leader_id, kind, volume, price, at) VALUES (%s, %s, %s, %s, now())
    RETURNING id, leader_id, volume, price),
o AS (
    INSERT INTO skeleton.leader_order (event_id, leader_id, client_id, volume, price)
    SELECT id, leader_id, %s, volume, price FROM e)
SELECT id, pg_notify('skeleton', id || ':' || %s) FROM e
"""
READ: Final = b"""
SELECT f.account_id, f.customer_id, e.volume, e.price, e.at
FROM skeleton.event e JOIN skeleton.follower f USING (leader_id) WHERE e.id = %s
"""
COPY: Final = b"""
INSERT INTO skeleton.copy_order (event_id, account_id, volume, price, at)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::timestamptz[])
"""
