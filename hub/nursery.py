"""Starts the servers of a class: each is a fork of this process, which has imported what they all need.

Thirty servers of their own take 1.3 seconds of a processor and 110 MB each. A fork shares what was imported. JupyterHub
keeps this running as one of its services; `ask` is its client.
"""

import contextlib
import gc
import json
import os
import resource
import signal
import socket
import sys
import time

PATIENCE = 600  # tries, ten a second
PROCESSES = 400  # and threads that a student may have, where they are a user of their own


def ask(path, **request):
    """The number of the new process that `request` describes (see `become`). Waits for a nursery that is about to start."""
    with socket.socket(socket.AF_UNIX) as line:
        for left in range(PATIENCE, -1, -1):
            try:
                line.connect(str(path))
                break
            except OSError:
                if not left:
                    raise
                time.sleep(0.1)
        line.sendall(json.dumps(request).encode())
        line.shutdown(socket.SHUT_WR)
        return int(line.makefile().read())


def become(user, home, environment, arguments, memory):
    """In the fork: a student's server. user is None or a number, memory a limit in bytes of the data of each process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    os.umask(0o077)
    os.chdir(home)
    os.environ.clear()
    os.environ.update(environment)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    sys.argv = ["jupyterhub-singleuser", *arguments]
    main()


def serve(path):
    """Answer one request after the other."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    os.umask(0o077)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that have ended
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(100)
        gc.freeze()  # or the first collection of each fork would copy everything
        while True:
            line, _ = door.accept()
            request = json.loads(line.makefile().read())
            number = os.fork()
            if number == 0:
                door.close()
                line.close()
                become(**request)
                os._exit(0)
            line.sendall(str(number).encode())
            line.close()


if __name__ == "__main__":
    import jupyterlab.labapp
    import nbconvert.exporters  # noqa: F401 - a page asks for them
    from jupyterhub.singleuser import main

    serve(sys.argv[1])
