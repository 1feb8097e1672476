"""Which traceback of a server's log tells why it did not start."""

from ml_workspace.tracebacks import last_traceback

CHAIN = """12:00 starting
12:01 E Encountered Exception Traceback (most recent call last):
  File "server.py", line 119, in invoke_init
    self._user_init()
  File "score.py", line 8, in init
    raise ValueError("no such
                     ^^^^^^^^
ValueError: no such
column

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "server.py", line 109, in setup
    self.user_script.invoke_init()
UserScriptException: Caught an unhandled exception from the user script

12:02 Worker exiting
"""


def test_of_a_chain_it_is_the_first_with_its_whole_message_and_nothing_that_follows():
    found = last_traceback(CHAIN)
    assert found.startswith("Traceback (most recent call last):\n  File")
    assert found.endswith("ValueError: no such\ncolumn")


def test_an_earlier_traceback_that_was_only_logged_is_passed_over():
    logged = "Traceback (most recent call last):\n  File x\nKeyError: 'logged'\n\nand went on\n"
    assert last_traceback(logged + CHAIN).endswith("column")
    assert last_traceback(CHAIN + logged).endswith("KeyError: 'logged'")


def test_a_log_may_have_none_or_end_within_one():
    assert last_traceback("all well\n") == ""
    assert "File x" in last_traceback("Traceback (most recent call last):\n  File x\n")
