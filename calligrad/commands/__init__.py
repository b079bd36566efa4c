"""What ``calligrad …`` does on the command line: one file a command, and one for each thing that they share."""
