"""The phased rollout: phases, gates, and which months may start now. Pure; state and time are passed in."""
