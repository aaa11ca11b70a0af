"""Sound and pictures of films and tracks: decoding, sampling, writing and excerpts, all on PyAV.

Times are seconds on the film's own clock: presentation time, zero at the container's start.
"""
