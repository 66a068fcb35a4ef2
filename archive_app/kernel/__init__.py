"""What every feature stands on: actor, permission, policy, events, outbox, unit of work, errors, clock, ids."""
