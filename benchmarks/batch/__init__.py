"""Is the batch size that `tune` chooses the one that reaches a good loss soonest, and is the plan better for it at equal time?"""
