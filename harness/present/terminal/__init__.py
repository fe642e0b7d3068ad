"""What the terminal shows: lines of styled pieces, and the screens that write them."""
