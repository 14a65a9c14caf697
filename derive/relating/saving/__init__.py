"""Answers about two rules as documents, which are believed again only after the checks have seen them."""
