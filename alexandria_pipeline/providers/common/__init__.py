"""What several services share: wire models and field types, contributors, search terms, errors, AI replies.

What only one service needs belongs in that service's package.
"""
