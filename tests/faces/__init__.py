"""Faces: the admin, the commands and the views, used as people use them."""
