"""What the boards say when they are read together: pure functions of boards, no word about how they look."""
