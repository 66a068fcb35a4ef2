"""Pages of what management reviews decided."""
