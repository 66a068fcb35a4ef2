"""The words of the legal register: kinds of laws, states, results of evaluations, outcomes of looking at a law."""

from collections.abc import Mapping

from archive_app.kernel.language import N_

KINDS: Mapping[str, str] = {
    "law": N_("Law"),
    "regulation": N_("Administrative regulation"),
    "rule": N_("Rule of a ministry"),
    "local": N_("Local regulation"),
    "policy": N_("Policy document"),
    "national_standard": N_("National standard"),
    "sector_standard": N_("Sector standard"),
    "local_standard": N_("Local or group standard"),
    "international": N_("International agreement or standard"),
    "agreement": N_("Agreement or own commitment"),
    "other": N_("Other requirement"),
}
"""What obliges an organisation: law, and everything else that it has to follow or chose to (S1 7.8; S2 5.2)."""

COMING, IN_FORCE, ENDED, WITHDRAWN = "coming", "in_force", "ended", "withdrawn"
STATES: Mapping[str, str] = {
    IN_FORCE: N_("In force"),
    COMING: N_("Coming"),
    ENDED: N_("Ended"),
    WITHDRAWN: N_("Withdrawn"),
}

COMPLIES, PARTLY, FAILS, NOT_APPLICABLE = "complies", "partly", "fails", "not_applicable"
RESULTS: Mapping[str, str] = {
    COMPLIES: N_("Complies"),
    PARTLY: N_("Complies in part"),
    FAILS: N_("Does not comply"),
    NOT_APPLICABLE: N_("Not applicable"),
}
NOT_COMPLYING = (PARTLY, FAILS)

UNCHANGED, CHANGED, NOT_FOR_US = "unchanged", "changed", "not_for_us"
OUTCOMES: Mapping[str, str] = {
    UNCHANGED: N_("Still as recorded"),
    CHANGED: N_("Has changed; the record is brought up to date"),
    NOT_FOR_US: N_("Does not apply to us any more; it is ended"),
}
