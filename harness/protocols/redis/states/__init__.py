"""The states in which Redis answers with an error, and the fault that brings it there."""
