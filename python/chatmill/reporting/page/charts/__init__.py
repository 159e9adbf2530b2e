"""Charts as inline SVG, without scripts and without styles of their own; docs/dependencies.md has the reason."""
