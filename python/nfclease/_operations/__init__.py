"""What the methods do: written once, for the blocking face and for the asyncio one."""
