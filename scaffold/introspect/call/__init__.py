"""Find how a model is called: the method, its arguments, and whether one call takes one row or many.

Start at `_calls.find_call`.
"""
