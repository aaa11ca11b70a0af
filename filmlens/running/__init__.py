"""How a long run is carried out, whatever it computes: staleness, workers, deadlines, the lock, progress, rates."""
