"""A program prints one line:

    prints.py LINE PROGRAM ARGUMENT...
"""
import subprocess
import sys

done = subprocess.run(sys.argv[2:], text=True, capture_output=True)
if done.returncode or done.stdout != sys.argv[1] + "\n":
    sys.exit(f"{done.returncode}: {done.stdout}{done.stderr}")
