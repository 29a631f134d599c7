"""The small servers and clients that run inside pods.

They know nothing of the scenario: each gets its orders as JSON.
"""
