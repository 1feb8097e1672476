"""Parts of the rollout: what the endpoint is like, what comes next, and the requests that decide whether it goes on."""
