"""What ServiceContent names: sessions, tasks, the property collector, views, managers."""
