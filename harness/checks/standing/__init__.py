"""The checks themselves, by what they judge. `order` has the order in which they are reported."""
