"""The real parts and the stand-ins that the tests run the exporter against, all on loopback."""
