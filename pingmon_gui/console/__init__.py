"""The commands of the command line, a module for each group; `pingmon_gui.cli` has the top and the exit codes."""
