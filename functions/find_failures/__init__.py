"""Works out where to look and finds failing traces and their control group: ids only."""
