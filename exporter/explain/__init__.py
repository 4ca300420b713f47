"""How the rules reach a verdict: the conditions of each one, from the rule files, with the figures of a moment."""
