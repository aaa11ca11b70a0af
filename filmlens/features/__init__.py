"""What is measured of every cue: music descriptors (mir), learnt sound embeddings (vggish) and pictures (visual)."""
