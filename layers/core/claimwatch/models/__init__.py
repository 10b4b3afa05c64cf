"""Model lifecycle: training, promotion, rollback."""
