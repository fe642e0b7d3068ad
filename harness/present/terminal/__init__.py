"""The terminal's output: lines of styled pieces, and the screens that write them."""
