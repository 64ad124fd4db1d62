# People named as maintainers in the tree's metadata.  A user's modules may name others.
{ }
