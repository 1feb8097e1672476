"""What a workspace has and what the specs say: what to create, change, restore, archive, delete, and what to leave."""
