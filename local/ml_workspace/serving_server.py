"""Runs in the environment of a deployment: `python serving_server.py DESCRIPTOR SCRIPT`.

Starts azureml-inference-server-http as its own command does, but on a socket that listens already. The socket is handed
to its gunicorn the way systemd hands one over, which takes the place of the address that the server asks for (0.0.0.0).
"""

import os
import sys
from pathlib import Path

FIRST = 3  # the descriptor at which a program finds the sockets that systemd gives it

if __name__ == "__main__":
    # The modules beside this file must not hide those of the deployment.
    own = Path(__file__).resolve().parent
    sys.path = [entry for entry in sys.path if Path(entry).resolve() != own]
    number, script = int(sys.argv[1]), sys.argv[2]
    try:
        import gunicorn.config
        from azureml_inference_server_http import amlserver
    except ModuleNotFoundError as error:
        sys.exit(
            f"ModuleNotFoundError: {error}. The environment of the deployment lacks the package "
            "azureml-inference-server-http: add it to the pip dependencies of its conda_file."
        )
    if number != FIRST:
        os.dup2(number, FIRST)
        os.close(number)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    # Its place would be the home folder, which the servers of this workspace share. Older versions don't have it.
    if any(setting.name == "control_socket_disable" for setting in gunicorn.config.KNOWN_SETTINGS):
        os.environ["GUNICORN_CMD_ARGS"] = "--no-control-socket " + os.environ.get("GUNICORN_CMD_ARGS", "")
    sys.argv = ["azmlinfsrv", "--entry_script", script]
    amlserver.run()
