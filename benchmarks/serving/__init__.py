"""Our service beside the tools that a person might pick instead: same models, same rows, same machine."""
