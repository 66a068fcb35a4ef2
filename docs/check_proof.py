"""Checks the proof of one event without Lantai: `python check_proof.py event-….json KEY [CHECKPOINT …]`.

KEY is the log's verifier key as you noted it earlier, a line such as `lantai/0193…+1a2b3c4d+AX…`; `-` trusts the one in
the file and says so. CHECKPOINT are checkpoint files kept from earlier: each must be signed by the same key, and one of
the same size must have the same root. Needs Python 3.11 and `cryptography`; every step is in docs/formats/audit-log.md.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion path leads to (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        sys.exit("WRONG: the position lies outside the tree")
    node, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            sys.exit("WRONG: the path is too long")
        if node % 2 or node == last:
            value = sha256(b"\x01", sibling, value)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            value = sha256(b"\x01", value, sibling)
        node, last = node >> 1, last >> 1
    if last:
        sys.exit("WRONG: the path is too short")
    return value


def open_note(note: str, key: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint whose signature by `key` is right."""
    name, key_id, encoded = key.split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    if sha256(name.encode(), b"\n", public)[:4].hex() != key_id or public[0] != 1:
        sys.exit("WRONG: the key does not belong to its name")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        mark, signer, value = line.split(" ")
        raw = base64.b64decode(value, validate=True)
        if mark == "—" and signer == name and raw[:4].hex() == key_id:
            # Raises InvalidSignature, which ends the program with an error.
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], text.encode())
            origin, size, root = text.splitlines()[:3]
            if origin != name:
                sys.exit("WRONG: the checkpoint is of another log")
            return int(size), base64.b64decode(root, validate=True)
    sys.exit("WRONG: no signature by this key")


def main(proof_file: str, key: str, *checkpoints: str) -> None:
    proof = json.loads(Path(proof_file).read_text(encoding="utf-8"))
    if key == "-":
        key = proof["verifier_key"]
        print("key taken from the file itself: compare it with the one you hold:", key)
    size, root = open_note(proof["checkpoint"], key)
    leaf = sha256(b"\x00", proof["leaf"].encode())
    path = [base64.b64decode(node, validate=True) for node in proof["inclusion"]]
    if root_of(leaf, proof["position"], size, path) != root:
        sys.exit("WRONG: the event is not in the tree of this checkpoint")
    print(f"in the log: position {proof['position']} of {size}")
    told = json.loads(proof["leaf"])
    print("leaf:", json.dumps(told, ensure_ascii=False, indent=1))
    if proof["detail"] is None:
        print("the words of this event were erased; its place in the log is proved all the same")
    else:
        # Equal to RFC 8785 here: keys are ASCII, and there are no floats.
        words = json.dumps(proof["detail"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if sha256(bytes.fromhex(proof["salt"]), words.encode()).hex() != told["detail"]:
            sys.exit("WRONG: the words are not those of the event")
        print("words:", words)
    for name in checkpoints:
        kept = open_note(Path(name).read_text(encoding="utf-8"), key)
        if kept[0] == size and kept[1] != root:
            sys.exit(f"WRONG: {name} shows another log of the same size")
        print(f"{name}: signed, {kept[0]} entries")


if __name__ == "__main__":
    main(*sys.argv[1:])
