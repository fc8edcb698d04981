"""Lessons: what only a lesson needs, such as its pictures, its checks and the bug museum. Imports any room."""
