"""The process: listeners, the SOAP endpoint, the control plane."""
