"""What comes next: forecasts, backtests, intervals."""
