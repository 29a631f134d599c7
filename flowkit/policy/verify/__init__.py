"""What a policy set allows against what was seen: completeness, tightness, irredundancy, coverage, drift, diff."""
