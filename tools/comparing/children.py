"""Runs a function in a process of its own, as each measured run of an embedded store is."""

import concurrent.futures
import concurrent.futures.process
import multiprocessing

from comparing.peers import Failure


def alone(function, *arguments):
    """Calls a function of a module in a new process and returns what it returned."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except concurrent.futures.process.BrokenProcessPool:
            raise Failure(f"the process that ran {function.__module__}.{function.__name__} ended by itself") from None
        except Exception as error:
            raise Failure(f"{function.__module__}.{function.__name__}: {error}") from error
