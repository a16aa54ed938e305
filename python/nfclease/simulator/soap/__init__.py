"""vim25 on the wire: types, texts of faults, envelopes."""
