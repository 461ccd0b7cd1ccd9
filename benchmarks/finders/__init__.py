"""The bench of learning-rate finders: does 1cycle at the suggested learning rate do as well as the best of twelve that were tried in full?"""
