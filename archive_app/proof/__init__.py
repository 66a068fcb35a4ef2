"""What makes the audit log provable: leaves, the Merkle tree, tiles, signed notes and checkpoints.

This room is pure and stands below everything: it reads no file, no clock and no database, and imports only the
standard library, `cryptography` and `rfc8785`, so that an auditor can lift it out and read it alone. The formats
are described in `docs/formats/audit-log.md` and pinned by `tests/vectors/audit_log.json`; they never change.
"""
