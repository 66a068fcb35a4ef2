"""What the composition root needs to know of filing."""

from archive_app.filing import policy
from archive_app.kernel.feature import Feature

FEATURE = Feature(name="filing", policy=policy.register, blueprints=("archive_app.filing.views:blueprint",))
