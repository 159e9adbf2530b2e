"""What each trainer opens: columns, kinds of files, and the lines of its script or config that open them."""
