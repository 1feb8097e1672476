"""Documents of endpoints and deployments as azure-ai-ml gives them, and requests to the router."""

import http.client
import json
import threading
import urllib.parse

CLIENTS = 2  # as many as a deployment takes at once by default
# The lines of environments/serving, so that it is built once for both.
SERVING = {
    "name": "serving",
    "version": "1",
    "conda_file": {
        "name": "serving",
        "channels": ["conda-forge"],
        "dependencies": [
            "python=3.11",
            "pip",
            {
                "pip": [
                    "azureml-inference-server-http==1.5.1",
                    "azureml-ai-monitoring==1.0.0",
                    "pandas==2.3.3",
                    "numpy==2.4.6",
                    "scipy==1.17.1",
                    "scikit-learn==1.5.2",
                    "cloudpickle==2.2.1",
                    "mlflow-skinny==2.16.2",
                ]
            },
        ],
    },
}


def online_deployment(endpoint, name, script="score.py", variables=None, **fields):
    """A deployment whose code is the folder `code` beside the spec."""
    return {"name": name, "endpoint_name": endpoint, "environment": "azureml:serving:1", "type": "managed",
            "code_configuration": {"code": "code", "scoring_script": script},
            "environment_variables": variables or {}, **fields}  # fmt: skip


def ask(uri, key, body=b"{}", **headers):
    """(status, JSON body) of one request."""
    parts = urllib.parse.urlsplit(uri)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        given = {f"{name.replace('_', '-')}": value for name, value in headers.items()}
        connection.request("POST", parts.path, body, {"Authorization": f"Bearer {key}", **given})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


class Load:
    """A few clients that send one request after the other for as long as the block lasts.

    Attributes:
        answers: bodies of those with status 200, in order.
        failures: everything else.
    """

    def __init__(self, uri, key):
        self.answers, self.failures = [], []
        self._uri, self._key = uri, key
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def _run(self):
        while not self._stop.is_set():
            try:
                status, body = ask(self._uri, self._key)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
            else:
                (self.answers if status == 200 else self.failures).append(body)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self._threads:
            thread.join()
