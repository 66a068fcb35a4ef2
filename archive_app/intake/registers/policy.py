"""Who sees which register: whoever brought it, its organisation's archivist, and those who see its engagement. The
files that came with it show to the same people."""

from sqlalchemy import ColumnElement, and_, not_, or_, select, true

from archive_app.documents.policy import names_hidden
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import keeps_the_archive
from archive_app.intake.inbox.models import InboxFile
from archive_app.intake.registers.models import Register, RegisterFile, RegisterRow
from archive_app.kernel.actor import Actor
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy


def register(policy: Policy) -> None:
    """Declares registers, and hides their files; after the inbox, whose subject the files are."""

    def of_own_organisation(actor: Actor) -> ColumnElement[bool] | None:
        if not actor.may(Permission.REGISTERS_IMPORT) or actor.organisation_id is None or actor.person_id is None:
            return None
        visible = select(Engagement.id).where(
            Engagement.id == Register.engagement_id, policy.visible_to(actor, "engagement")
        )
        # Rows of several engagements stand side by side in one without an engagement of its own.
        whole = Register.brought_by == actor.person_id
        mine = and_(Register.engagement_id.is_(None), true() if keeps_the_archive(actor) else whole)
        in_sight = and_(Register.engagement_id.is_not(None), visible.correlate(Register).exists())
        return and_(Register.organisation_id == actor.organisation_id, or_(mine, in_sight))

    def of_hidden_register(actor: Actor) -> ColumnElement[bool]:
        # A file that came with a register shows to nobody from whom the register is hidden.
        seen = select(Register.id).where(Register.id == InboxFile.register_id, policy.visible_to(actor, "register"))
        return and_(InboxFile.register_id.is_not(None), not_(seen.correlate(InboxFile).exists()))

    def of_visible_register(actor: Actor) -> ColumnElement[bool]:
        seen = select(Register.id).where(Register.id == RegisterRow.register_id, policy.visible_to(actor, "register"))
        return seen.correlate(RegisterRow).exists()

    def of_hidden_document(actor: Actor) -> ColumnElement[bool]:
        # A row shows no more than what was made of it.
        made = select(RegisterFile.row_id).where(
            RegisterFile.row_id == RegisterRow.id, names_hidden(policy, actor, RegisterFile.document_id)
        )
        return made.correlate(RegisterRow).exists()

    policy.subject("register", Register.id)
    policy.grant("register", of_own_organisation)
    policy.deny("inbox_file", of_hidden_register)
    policy.subject("register_row", RegisterRow.id)
    policy.grant("register_row", of_visible_register)
    policy.deny("register_row", of_hidden_document)
