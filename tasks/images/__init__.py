"""Images that a user brings: files, archives, manifests, and labels in their paths."""
