"""Tests of the places where runs are carried out."""
