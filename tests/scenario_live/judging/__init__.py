"""How real runs are judged, and on whom what happened is put."""
