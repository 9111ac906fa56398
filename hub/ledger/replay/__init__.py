"""Replays the opened log against the tables: what was told, is it what stands there, and was every release covered?"""
