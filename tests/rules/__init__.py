"""Tests of the pure rules: schedules, policies and planning."""
