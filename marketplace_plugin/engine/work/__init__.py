"""When passes run, and who asks for them: jobs, the schedule, the button, the host's hooks, upkeep."""
