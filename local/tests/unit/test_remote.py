"""Data of servers: files and folders of public blob containers, fetched once while they are unchanged."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ml_workspace import Workspace, remote
from ml_workspace.errors import Unsupported, WorkspaceError


class Site(ThreadingHTTPServer):
    """What the container holds, and the names of the blobs that were sent."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.blobs = {"iris.csv": "a,b", "taxi/2013/1 x.csv": "one", "taxi/2013/2.csv": "two", "other": "-"}
        self.sent = []


class Container(BaseHTTPRequestHandler):
    """A blob container `datasets`: lists one blob a page and knows entity tags."""

    def do_GET(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if query.get("comp") == ["list"]:
            return self.answer(self.listing(query))
        name = unquote(url.path).removeprefix("/datasets/")
        blob = self.site().blobs.get(name)
        if blob is None:
            return self.send_error(404)
        if self.headers["If-None-Match"] == f'"{blob}"':
            self.send_response(304)
            return self.end_headers()
        self.site().sent.append(name)
        return self.answer(blob, ETag=f'"{blob}"')

    def site(self):
        assert isinstance(self.server, Site)
        return self.server

    def listing(self, query):
        names = sorted(name for name in self.site().blobs if name.startswith(query.get("prefix", [""])[0]))
        start = int(query.get("marker", ["0"])[0])
        blobs = "".join(f"<Blob><Name>{name}</Name></Blob>" for name in names[start : start + 1])
        after = start + 1 if start + 1 < len(names) else ""
        return f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{after}</NextMarker></EnumerationResults>"

    def answer(self, text, **headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        """Not on the screen."""


@pytest.fixture
def site():
    server = Site(("127.0.0.1", 0), Container)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(site, tmp_path):
    ws = Workspace.create(tmp_path / "root", "rg", "ws")

    def run(path, kind):
        uri = path if "://" in path else f"wasb://datasets@127.0.0.1:{site.server_port}/{path}"
        return remote.fetch(ws, uri, kind, "inputs.d")

    return run


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_a_file_is_fetched_again_only_when_it_has_changed(site, fetch):
    first = fetch("iris.csv", "uri_file")
    assert (first.name, first.read_text()) == ("iris.csv", "a,b")
    assert fetch("iris.csv", "uri_file") == first
    assert site.sent == ["iris.csv"]
    site.blobs["iris.csv"] = "c,d"
    assert fetch("iris.csv", "uri_file").read_text() == "c,d"
    assert fetch(f"http://127.0.0.1:{site.server_port}/datasets/iris.csv", "uri_file").read_text() == "c,d"


def test_a_folder_has_the_blobs_below_its_path(site, fetch):
    for path in ("taxi", "taxi/"):
        assert content(fetch(path, "uri_folder")) == {"2013/1 x.csv": "one", "2013/2.csv": "two"}
    assert content(fetch("", "uri_folder")).keys() == {"iris.csv", "taxi/2013/1 x.csv", "taxi/2013/2.csv", "other"}
    site.sent.clear()
    del site.blobs["taxi/2013/1 x.csv"]
    site.blobs["taxi/2014.csv"] = "three"
    assert content(fetch("taxi", "uri_folder")) == {"2013/2.csv": "two", "2014.csv": "three"}
    assert site.sent == ["taxi/2014.csv"]


def test_what_is_kept_is_used_while_the_server_can_not_be_reached(site, fetch):
    kept = fetch("iris.csv", "uri_file"), fetch("taxi", "uri_folder")
    site.shutdown()
    site.server_close()
    assert (fetch("iris.csv", "uri_file"), fetch("taxi", "uri_folder")) == kept
    with pytest.raises(WorkspaceError, match=r"inputs\.d: wasb://.*/other can't be read: .*Connection refused"):
        fetch("other", "uri_file")


def test_what_is_not_there(fetch):
    with pytest.raises(WorkspaceError, match="absent can't be read: HTTP Error 404"):
        fetch("absent", "uri_file")
    with pytest.raises(WorkspaceError, match="can't be read: there are no blobs below absent/"):
        fetch("absent", "uri_folder")


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("wasbs://data@a.blob.core.windows.net/x/y.csv", "https://a.blob.core.windows.net/data/x/y.csv"),
        ("wasbs://a.blob.core.windows.net/data/x/", "https://a.blob.core.windows.net/data/x/"),
        ("https://example.org/x@1.csv", "https://example.org/x@1.csv"),
    ],
)
def test_addresses(uri, url):
    assert remote.is_remote(uri)
    assert remote._url(uri) == url


def test_a_folder_of_a_plain_server_is_refused():
    remote.validate("https://a.blob.core.windows.net/data/x/", "uri_folder", "inputs.d")
    with pytest.raises(Unsupported, match="only a blob container tells what is in it"):
        remote.validate("https://example.org/x/", "uri_folder", "inputs.d")
