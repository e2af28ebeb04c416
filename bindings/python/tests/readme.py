"""Runs the examples of README.md:

    readme.py README FOLDER_OF_THE_CHECKPOINT
"""
import doctest
import os
import sys

readme, folder = map(os.path.abspath, sys.argv[1:3])
os.chdir(folder)
result = doctest.testfile(readme, module_relative=False)
print(f"{result.attempted} examples, {result.failed} failed")
sys.exit(result.failed > 0)
