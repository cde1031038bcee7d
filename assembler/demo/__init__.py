"""A small class made on the spot, for people who want to see what this is, and for the tests."""

from assembler.demo.lesson import DemoLesson, make_lesson
from assembler.demo.serve import serve

__all__ = ["DemoLesson", "make_lesson", "serve"]
