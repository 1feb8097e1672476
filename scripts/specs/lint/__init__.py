"""Static checks of rendered specs: what azure-ai-ml rejects, and what it lets through and Azure then fails on."""
