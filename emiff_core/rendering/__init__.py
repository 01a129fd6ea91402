"""Pictures for people: boxes over camera images, and the bird's-eye view."""
