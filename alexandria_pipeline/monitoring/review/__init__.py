"""Pages on which signed-in persons decide about near misses: side by side, by key or by button, with undo.

Without reviewers the page shows the near misses and takes no decision. Every form works without a script.
"""
