"""Whole runs without a notebook open: papermill, the report, provenance, status, features by command."""
