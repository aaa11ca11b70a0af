"""Plots by notebook: each takes data and draws it; none computes or saves."""
