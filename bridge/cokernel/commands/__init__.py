"""The commands of `cokernel`, one module each: `configure(parser)` and `run(arguments) -> int`."""
