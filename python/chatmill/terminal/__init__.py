"""Printing to the terminal: all that chatmill prints goes through here.

Text from rows, files and names is foreign. It could move the cursor, change the title of the window or hide a part of
a line, so it is printed visibly; `chatmill.text.visible` lists the characters that are replaced.
"""
