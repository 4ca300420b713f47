"""The real parts and the fakes that the tests run the exporter against, all on loopback."""
