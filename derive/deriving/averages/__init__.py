"""Averages as filters: what a linear buffer remembers, how it smooths, how it lags, and what its start costs."""
