"""The asyncio face, and transfers as futures."""
