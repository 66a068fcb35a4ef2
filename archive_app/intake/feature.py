"""What the composition root needs to know of the intake."""

from archive_app.kernel.feature import Feature

FEATURE = Feature(name="intake")
