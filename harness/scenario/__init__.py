"""What an author writes and replays: the lab, markers, schedules, and the runner of one scenario."""
