"""The worlds: finite ones as data, and as Gymnasium environments. No learning. Imports no other room."""
