"""The library of an organisation: where documents are that belong to no engagement, such as its controlled documents.

Levels, keys, reading, search, looks and the log hang on the engagement of a document. A library is therefore a row of
`engagement`, of which people see the documents and never the row.
"""

from sqlalchemy import select

from archive_app.engagements.models import Client, Engagement
from archive_app.engagements.schemes import keep_edition, parse_scheme
from archive_app.identity.models import Organisation
from archive_app.kernel.unit_of_work import UnitOfWork

LIBRARY = "library"
"""The activity of an engagement that is a library."""
_NUMBER = ""
"""A number that nobody can give: no engagement takes it, and no folder or register names it."""
_SCHEME = """
code = "library"
version = "1"
name = { zh = "体系文件库", en = "Library of the management system" }
summary = { zh = "不属于任何核查项目的文件。", en = "Documents that belong to no engagement." }
sources = ["S1 8.2", "S2 8.4"]
activity = "management"
report = "management_review"
person_days = false

[team]
least_people = 1
leaders = 0
reviewer = false
source = "S2 8.4"

[[stages]]
code = "keeping"
name = { zh = "保存", en = "Keeping" }
source = "S2 8.4"
moved_by = ["archivist"]
"""


def library_of(uow: UnitOfWork, organisation_id: str) -> Engagement:
    """A step: the library of an organisation, made when it is asked for first."""
    # Two who ask first at once: the second waits, and finds it.
    organisation = uow.session.get_one(Organisation, organisation_id, with_for_update=True)
    wanted = (Engagement.organisation_id == organisation_id, Engagement.activity == LIBRARY)
    library = uow.session.scalar(select(Engagement).where(*wanted))
    if library is not None:
        return library
    scheme = parse_scheme(_SCHEME, "library")
    keep_edition(uow, scheme)
    library = Engagement(
        id=uow.new_id(),
        organisation_id=organisation_id,
        client_id=_own_client(uow, organisation).id,
        number=_NUMBER,
        title=scheme.name.zh,
        year=uow.archive.today().year,
        activity=LIBRARY,
        scheme=scheme.code,
        scheme_version=scheme.version,
        stage=scheme.stages[0].code,
        created_at=uow.now,
    )
    uow.session.add(library)
    uow.session.flush()
    return library


def _own_client(uow: UnitOfWork, organisation: Organisation) -> Client:
    """The client that is called as the organisation itself. It is not linked to it: a link opens engagements to the
    contacts of whom it names, which somebody decides."""
    own = select(Client).where(Client.organisation_id == organisation.id, Client.name == organisation.name)
    client = uow.session.scalar(own)
    if client is None:
        client = Client(
            id=uow.new_id(),
            organisation_id=organisation.id,
            name=organisation.name,
            credit_code=organisation.credit_code,
            created_at=uow.now,
        )
        uow.session.add(client)
        uow.session.flush()
    return client
