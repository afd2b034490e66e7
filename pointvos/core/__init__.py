"""What every other layer stands on: points, masks, frames, files, geometry, the command line."""
