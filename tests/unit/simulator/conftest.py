# Copyright: Contributors to the ontap.security collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated clusters for the tests of the simulator itself, one of each release, and a plain HTTP client for them."""

from __future__ import annotations

import typing as t

import pytest
import requests

from tests.simulator import Simulator

VAULTS = "/api/security/azure-key-vaults"
KEY = "https://v.vault.azure.net/keys/key1/a8e619fd8f234db3b0b95c59540e2a74"
BODY: dict[str, t.Any] = {
    "svm": {"name": "vs0"},
    "client_id": "client1",
    "tenant_id": "tenant1",
    "name": "https://v.vault.azure.net/",
    "key_id": KEY,
    "client_secret": "first-secret",
}


class Client:
    """A simulator and a session that is logged in to it."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.ontap = sim.ontap
        self.session = requests.Session()
        # Variables such as REQUESTS_CA_BUNDLE would win over the session's own settings.
        self.session.trust_env = False
        self.session.verify = sim.ca_path
        self.session.auth = (sim.username, sim.password)

    def __call__(self, method: str, path: str, **options: t.Any) -> requests.Response:
        return self.session.request(method, self.sim.url + path, timeout=30, **options)

    def get(self, path: str, **options: t.Any) -> dict[str, t.Any]:
        """Return the body of a GET that succeeds."""
        response = self("GET", path, **options)
        assert response.status_code == 200, response.text
        return t.cast("dict[str, t.Any]", response.json())

    def code(self, method: str, path: str, **options: t.Any) -> str:
        """Return the code of an error; an empty string when there is none."""
        response = self(method, path, **options)
        return str(response.json()["error"]["code"]) if response.status_code >= 400 else ""

    def create(self, **changes: t.Any) -> str:
        """Create the usual vault with changes and return its UUID."""
        response = self("POST", VAULTS, json={**BODY, **changes})
        assert response.status_code == 201, response.text
        return response.headers["Location"].rpartition("/")[2]


@pytest.fixture(scope="session")
def _clusters() -> t.Iterator[dict[str, Client]]:
    clusters: dict[str, Client] = {}
    yield clusters
    for client in clusters.values():
        client.session.close()
        client.sim.close()


@pytest.fixture
def cluster(_clusters: dict[str, Client]) -> t.Callable[[str], Client]:
    """A function that returns a fresh cluster of a release."""

    def fresh(release: str) -> Client:
        if release not in _clusters:
            _clusters[release] = Client(Simulator(release=release, name=f"cluster-{release}").__enter__())
        client = _clusters[release]
        client.sim.reset()
        return client

    return fresh


@pytest.fixture
def newest(cluster: t.Callable[[str], Client]) -> Client:
    """A fresh cluster of the newest release."""
    return cluster("9.18.1")
