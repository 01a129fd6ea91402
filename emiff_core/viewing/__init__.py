"""What vehicle, roadside and fusion see, moment by moment: from a bag or live, into a viewer or a file."""
